// The folder of results in view: read in the thread pool, and again while its run still writes.
#pragma once

#include <QObject>
#include <QTimer>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/results/comparison.h"
#include "core/results/reader.h"

namespace kvatlas::views {

// One reading of a folder, by one score.
struct ResultsView {
  results::ResultsReader reader;
  std::string score;                // empty: the run's own
  std::vector<std::string> scores;  // those that every record has
  results::Comparison comparison;

  [[nodiscard]] const results::Plan& plan() const { return reader.settings().plan(); }
  [[nodiscard]] std::size_t cases() const { return reader.casesDone(); }
  [[nodiscard]] std::span<const results::Record> records(std::size_t number) const {
    return std::span(reader.records()).subspan(number * plan().branches.size(), plan().branches.size());
  }
};
using ResultsPointer = std::shared_ptr<const ResultsView>;

// Error: no folder of results.
[[nodiscard]] ResultsView readResults(const std::filesystem::path& folder, const std::string& score);

class ResultsSource : public QObject {
  Q_OBJECT

 public:
  explicit ResultsSource(QObject* parent = nullptr);

  void open(const std::filesystem::path& folder);
  void close();
  void reload();
  void setScore(const std::string& score);

  [[nodiscard]] bool isOpen() const { return m_view != nullptr; }
  [[nodiscard]] bool busy() const { return m_reading; }
  [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }  // asked for, or open
  [[nodiscard]] const ResultsPointer& view() const { return m_view; }
  void setPollInterval(int milliseconds) { m_poll.setInterval(milliseconds); }

 signals:
  void changed();  // another view, or none
  void failed(const QString& message);

 private:
  void read();
  void receive(std::shared_ptr<ResultsView> view, const std::string& error);
  void lookForMore();

  std::filesystem::path m_folder;
  std::string m_score;
  ResultsPointer m_view;
  QTimer m_poll;
  std::uint64_t m_bytes = 0;           // of the file of results when it was read last
  std::uint64_t m_reading_number = 0;  // of the reading that counts
  bool m_reading = false, m_again = false;
};

}  // namespace kvatlas::views
