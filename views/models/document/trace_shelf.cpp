#include "views/models/document/trace_shelf.h"

#include <algorithm>
#include <utility>

namespace kvatlas::views {
namespace {

auto withPath(const std::filesystem::path& path) {
  return [&path](const std::unique_ptr<Document>& document) { return document->path() == path; };
}

}  // namespace

TraceShelf::TraceShelf(Document& open, QObject* parent) : QObject(parent), m_open(open) {
  connect(&open, &Document::opened, this, &TraceShelf::opened);
  connect(&open, &Document::failed, this, [this] { m_wanted.clear(); });
}

Document* TraceShelf::find(const std::filesystem::path& path) const {
  const auto found = std::ranges::find_if(m_traces, withPath(path));
  return found == m_traces.end() ? nullptr : found->get();
}

void TraceShelf::add(const std::filesystem::path& path) {
  if (find(path) != nullptr || (m_open.isOpen() && m_open.path() == path)) return;
  Document* document = m_opening.emplace_back(std::make_unique<Document>(m_open.thread())).get();
  connect(document, &Document::opened, this, [this, document] { added(document); });
  connect(document, &Document::failed, this, [this, document](const QString& message) {
    discard(takeOpening(document));
    emit failed(message);
  });
  connect(document, &Document::refreshed, this, &TraceShelf::changed);
  connect(document, &Document::vanished, this, &TraceShelf::failed);
  connect(document, &Document::runReady, this, &TraceShelf::runsRead);
  document->open(path);
}

void TraceShelf::added(Document* document) {
  std::unique_ptr<Document> ready = takeOpening(document);
  if (!ready) return emit changed();  // listed already: another file under its name
  const bool twice = find(ready->path()) != nullptr || (m_open.isOpen() && m_open.path() == ready->path());
  if (twice) return discard(std::move(ready));
  m_traces.push_back(std::move(ready));
  emit changed();
}

std::unique_ptr<Document> TraceShelf::takeOpening(const Document* document) {
  const auto at = std::ranges::find(m_opening, document, [](const auto& each) { return each.get(); });
  if (at == m_opening.end()) return nullptr;
  std::unique_ptr<Document> taken = std::move(*at);
  m_opening.erase(at);
  return taken;
}

// Later: the document may be the sender of the signal that led here. Kept until then, because it uses the thread.
void TraceShelf::discard(std::unique_ptr<Document> document) {
  if (!document) return;
  disconnect(document.get(), nullptr, this, nullptr);
  m_discarded.push_back(std::move(document));
  QMetaObject::invokeMethod(
      this, [this] { m_discarded.clear(); }, Qt::QueuedConnection);
}

void TraceShelf::remove(const std::filesystem::path& path) {
  const auto found = std::ranges::find_if(m_traces, withPath(path));
  if (found == m_traces.end()) return;
  std::unique_ptr<Document> gone = std::move(*found);
  m_traces.erase(found);
  discard(std::move(gone));
  emit changed();
}

void TraceShelf::clear() {
  m_opening.clear();
  if (m_traces.empty()) return;
  m_traces.clear();
  emit changed();
}

void TraceShelf::swapIn(const std::filesystem::path& path) {
  if (find(path) == nullptr) return;
  m_before = m_open.isOpen() ? m_open.path() : std::filesystem::path();
  m_wanted = path;
  m_open.open(path);
}

void TraceShelf::opened() {
  const bool swapped = !m_wanted.empty() && m_open.path() == m_wanted;
  m_wanted.clear();
  const std::filesystem::path before = std::exchange(m_before, {});
  remove(m_open.path());
  if (swapped && !before.empty() && before != m_open.path()) add(before);
}

QString traceName(const Document& document) {
  return QString::fromStdString(document.path().filename().string()).section(QStringLiteral(".kva.h5"), 0, 0);
}

}  // namespace kvatlas::views
