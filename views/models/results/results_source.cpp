#include "views/models/results/results_source.h"

#include <algorithm>

#include "views/models/document/pool_task.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

constexpr int kPollMs = 1000;

std::uint64_t bytesOf(const std::filesystem::path& folder) {
  std::error_code code;
  const auto bytes = std::filesystem::file_size(folder / results::kResultsFile, code);
  return code ? 0 : bytes;
}

// Benchmarks score their sets by different metrics.
std::vector<std::string> commonScores(const std::vector<results::Record>& records) {
  std::vector<std::string> names;
  if (records.empty()) return names;
  for (const auto& [name, value] : records.front().scores) names.push_back(name);
  for (const results::Record& record : records)
    std::erase_if(names, [&](const std::string& name) { return !record.scores.contains(name); });
  return names;
}

}  // namespace

ResultsView readResults(const std::filesystem::path& folder, const std::string& score) {
  ResultsView view{.reader = results::ResultsReader(folder), .score = score, .scores = {}, .comparison = {}};
  view.scores = commonScores(view.reader.records());
  if (std::ranges::find(view.scores, score) == view.scores.end()) view.score.clear();
  view.comparison = results::compare(view.plan(), view.reader.records(), view.score);
  return view;
}

ResultsSource::ResultsSource(QObject* parent) : QObject(parent) {
  m_poll.setInterval(kPollMs);
  connect(&m_poll, &QTimer::timeout, this, &ResultsSource::lookForMore);
}

void ResultsSource::open(const std::filesystem::path& folder) {
  m_folder = folder;
  m_score.clear();
  read();
}

void ResultsSource::close() {
  ++m_reading_number;
  m_reading = m_again = false;
  m_poll.stop();
  m_folder.clear();
  m_view.reset();
  emit changed();
}

void ResultsSource::reload() {
  if (m_folder.empty()) return;
  m_reading ? void(m_again = true) : read();
}

void ResultsSource::setScore(const std::string& score) {
  if (score == m_score) return;
  m_score = score;
  reload();
}

void ResultsSource::read() {
  m_reading = true;
  m_again = false;
  m_bytes = bytesOf(m_folder);
  const std::uint64_t number = ++m_reading_number;
  runInPool(
      this, [folder = m_folder, score = m_score] { return readResults(folder, score); },
      [this, number](const PoolResult<ResultsView>& result) {
        if (number == m_reading_number) receive(result.value, result.error);
      });
}

void ResultsSource::receive(std::shared_ptr<ResultsView> view, const std::string& error) {
  m_reading = false;
  if (view) {
    m_view = std::move(view);
    const bool writes = m_view->cases() < m_view->reader.casesPlanned();
    writes ? m_poll.start() : m_poll.stop();
    emit changed();
  } else {
    m_poll.stop();
    if (m_view) m_folder = m_view->reader.folder();  // the one shown stays
    emit failed(toQString(error));
  }
  if (m_again) read();
}

void ResultsSource::lookForMore() {
  if (!m_reading && bytesOf(m_folder) != m_bytes) read();
}

}  // namespace kvatlas::views
