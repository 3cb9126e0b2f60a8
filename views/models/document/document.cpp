#include "views/models/document/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/trace/notes_writer.h"

namespace kvatlas::views {
namespace {

constexpr int kSettleMilliseconds = 300;

// The file to open for a path: itself, or the part file of a capture in progress.
std::filesystem::path fileOf(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  std::filesystem::path part = path;
  part += ".part";
  if (std::filesystem::exists(part, ignored)) return part;
  if (path.extension() == ".part") {  // the finished capture was renamed
    std::filesystem::path target = path;
    target.replace_extension();
    if (std::filesystem::exists(target, ignored)) return target;
  }
  return path;
}

bool hasNews(const DocumentIndex& old, const DocumentIndex& fresh) {
  const auto finished = [](const DocumentIndex& index) {
    return std::count_if(index.runs.begin(), index.runs.end(), [](const RunEntry& run) { return run.finished; });
  };
  return old.status != fresh.status || old.recorded != fresh.recorded || finished(old) != finished(fresh);
}

QString text(const std::string& utf8) {
  return QString::fromStdString(utf8);
}

}  // namespace

Document::Document(ReadingThread& thread, QObject* parent) : QObject(parent), m_thread(thread) {
  m_settle.setSingleShot(true);
  m_settle.setInterval(kSettleMilliseconds);
  connect(&m_settle, &QTimer::timeout, this, &Document::refresh);
  connect(&m_watcher, &QFileSystemWatcher::fileChanged, this, [this] {
    std::error_code ignored;
    const bool own = std::filesystem::last_write_time(m_path, ignored) == m_own_change;
    if (!own && !m_settle.isActive()) m_settle.start();
  });
}

Document::~Document() {
  m_thread.dropSource(m_opening);
  m_thread.dropSource(m_source);
}

void Document::open(const std::filesystem::path& path) {
  m_thread.dropSource(m_opening);
  m_state = State::Opening;
  m_requested = path;
  const std::filesystem::path file = fileOf(path);
  m_opening = m_thread.addSource(file);
  readIndex(m_opening, file);
}

void Document::readIndex(SourceId source, const std::filesystem::path& file) {
  m_thread.post(
      source, {}, [](const trace::Reader& reader) { return documentIndex(reader); }, this,
      [this, source, file](Answer<DocumentIndex> answer) { indexRead(source, file, std::move(answer)); });
}

void Document::refresh() {
  if (!isOpen()) return;
  const std::filesystem::path file = fileOf(m_path);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    emit vanished(text(fmt::format("{}: file deleted; showing data already loaded.", m_path.string())));
    return;
  }
  m_thread.reopen(m_source, file);
  readIndex(m_source, file);
}

void Document::indexRead(SourceId source, const std::filesystem::path& file, Answer<DocumentIndex> answer) {
  const bool opening = source == m_opening;
  if (opening) {
    m_opening = 0;
    m_state = isOpen() ? State::Open : State::Empty;
  }
  if (!answer) {
    if (opening) m_thread.dropSource(source);
    const QString message = text(answer.error);
    return opening ? emit failed(message) : emit vanished(message);
  }
  if (opening) {
    m_own_spans.clear();
    m_thread.dropSource(m_source);
    m_source = source;
    m_path = m_requested;
    m_index = nullptr;
    forgetRuns();
    m_what_ifs.clear();
  }
  watch(file);
  adopt(std::make_shared<const DocumentIndex>(std::move(*answer.value)));
}

void Document::appendOwnSpans(DocumentIndex& index) const {
  const auto last = static_cast<TokenIndex>(index.facts.tokens);
  for (trace::Span span : m_own_spans) {
    span.end = std::min(span.end, last);
    if (span.begin < span.end) index.header.prompt.spans.push_back(std::move(span));
  }
}

void Document::setOwnSpans(std::vector<trace::Span> spans) {
  if (!isOpen()) return;
  auto changed = std::make_shared<DocumentIndex>(*m_index);
  changed->header.prompt.spans.resize(m_recorded_spans);
  m_own_spans = std::move(spans);
  appendOwnSpans(*changed);
  m_index = std::move(changed);
  emit spansChanged();
}

std::string Document::storedNotes() {
  if (!isOpen()) return {};
  m_thread.reopen(m_source, fileOf(m_path));
  const auto answer = m_thread.runHere(m_source, [](const trace::Reader& reader) { return reader.notes(); });
  return answer ? *answer.value : m_index->notes;
}

void Document::adopt(std::shared_ptr<const DocumentIndex> read) {
  auto fresh = std::make_shared<DocumentIndex>(*read);
  m_recorded_spans = fresh->header.prompt.spans.size();
  if (m_index && sameCapture(*m_index, *fresh))
    appendOwnSpans(*fresh);
  else
    m_own_spans.clear();
  const std::shared_ptr<const DocumentIndex> old = std::exchange(m_index, std::move(fresh));
  if (m_opening == 0) m_state = State::Open;  // else this is a refresh, and another file is still on its way
  if (!old || !sameCapture(*old, *m_index)) {
    forgetRuns();
    m_what_ifs.clear();
    emit replaced();
    emit opened();
  } else if (hasNews(*old, *m_index)) {
    emit refreshed();
  }
}

void Document::close() {
  m_thread.dropSource(m_opening);
  m_thread.dropSource(m_source);
  m_opening = m_source = 0;
  if (!m_watcher.files().isEmpty()) m_watcher.removePaths(m_watcher.files());
  m_settle.stop();
  forgetRuns();
  m_what_ifs.clear();
  m_index = nullptr;
  m_state = State::Empty;
  emit replaced();
  emit closed();
}

void Document::watch(const std::filesystem::path& file) {
  std::error_code code;  // in a folder that was deleted there are no absolute names
  const std::filesystem::path whole = std::filesystem::absolute(file, code);
  const QString name = text((code ? file : whole).string());
  if (m_watcher.files().contains(name)) return;
  if (!m_watcher.files().isEmpty()) m_watcher.removePaths(m_watcher.files());
  m_watcher.addPath(name);
}

std::string Document::storeNotes(const std::string& json) {
  if (!isOpen() || status() == TraceStatus::Unfinished) return "the capture is not finished";
  const std::string error =
      m_thread.change(m_source, [&](const std::filesystem::path& file) { trace::writeNotes(file, json); });
  std::error_code ignored;
  if (error.empty()) m_own_change = std::filesystem::last_write_time(m_path, ignored);
  return error;
}

std::vector<RunId> Document::runIds() const {
  std::vector<RunId> ids;
  if (!isOpen()) return ids;
  for (const RunEntry& entry : m_index->runs) ids.push_back(static_cast<RunId>(entry.index));
  for (const auto& [id, view] : m_what_ifs) ids.push_back(id);
  return ids;
}

bool Document::hasRun(RunId id) const {
  return isOpen() && id >= 0 && (m_what_ifs.contains(id) || static_cast<std::size_t>(id) < m_index->runs.size());
}

const trace::RunHeader& Document::runHeader(RunId id) const {
  return isWhatIf(id) ? m_what_ifs.at(id)->run.header : m_index->runs.at(static_cast<std::size_t>(id)).header;
}

std::string Document::runTitle(RunId id) const {
  return isWhatIf(id) ? m_what_ifs.at(id)->run.title : m_index->runs.at(static_cast<std::size_t>(id)).title;
}

bool Document::runFinished(RunId id) const {
  return hasRun(id) && (isWhatIf(id) || m_index->runs[static_cast<std::size_t>(id)].finished);
}

RunPointer Document::run(RunId id) {
  if (!runFinished(id)) return nullptr;
  if (isWhatIf(id)) return m_what_ifs.at(id);
  const auto found = m_runs.find(id);
  if (found == m_runs.end()) {
    readRun(id);
    return nullptr;
  }
  std::erase(m_recent, id);
  m_recent.push_back(id);
  return found->second;
}

void Document::readRun(RunId id) {
  if (!m_reading.insert(id).second) return;
  const RunEntry& entry = m_index->runs[static_cast<std::size_t>(id)];
  post(
      {Priority::Soon},
      [index = entry.index, title = entry.title](const trace::Reader& r) { return loadRun(r, index, title); }, this,
      [this, id](Answer<RunPointer> answer) {
        m_reading.erase(id);
        if (answer && *answer.value) return storeRun(id, *answer.value);
        emit runFailed(id, text(answer ? "the run is not finished" : answer.error));
      });
}

void Document::storeRun(RunId id, RunPointer view) {
  m_runs[id] = std::move(view);
  m_recent.push_back(id);
  std::size_t bytes = 0;
  for (const auto& [each, held] : m_runs) bytes += held->bytes();
  while (bytes > m_run_limit && m_recent.size() > 1) {
    bytes -= m_runs.at(m_recent.front())->bytes();
    m_runs.erase(m_recent.front());
    m_recent.erase(m_recent.begin());
  }
  emit runReady(id);
}

void Document::forgetRuns() {
  m_runs.clear();
  m_recent.clear();
  m_reading.clear();
}

void Document::putWhatIf(RunPointer view) {
  const RunId id = view->id;
  const bool known = m_what_ifs.contains(id);
  m_what_ifs[id] = std::move(view);
  if (!known) emit runListChanged();
  emit runReady(id);
}

void Document::removeWhatIf(RunId id) {
  if (m_what_ifs.erase(id) > 0) emit runListChanged();
}

}  // namespace kvatlas::views
