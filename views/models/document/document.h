// One opened trace as the window holds it: its index, the runs read so far, what-if runs, and its fate on disk.
// Everything else is asked for through post(). Qt Core only; knows no view and no selection.
#pragma once

#include <QFileSystemWatcher>
#include <QObject>
#include <QTimer>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "views/models/document/document_index.h"
#include "views/models/document/reading_thread.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

class Document : public QObject {
  Q_OBJECT
 public:
  enum class State { Empty, Opening, Open };
  explicit Document(ReadingThread& thread, QObject* parent = nullptr);
  ~Document() override;

  // Answers with opened() or failed(); what was open before stays until then. A path that is still being written
  // ("<path>.part") is found by its final name.
  void open(const std::filesystem::path& path);
  void refresh();  // looks at the file again: refreshed() when there is more, opened() when it is another trace
  void close();    // closed()

  [[nodiscard]] State state() const { return m_state; }
  [[nodiscard]] bool isOpen() const { return m_index != nullptr; }
  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }  // as asked for, never "….part" of it
  [[nodiscard]] std::shared_ptr<const DocumentIndex> indexPointer() const { return m_index; }

  // While open. References hold until the next signal of this object.
  [[nodiscard]] const DocumentIndex& index() const { return *m_index; }
  [[nodiscard]] const trace::TraceHeader& header() const { return m_index->header; }
  [[nodiscard]] const trace::ModelInfo& model() const { return m_index->header.model; }
  [[nodiscard]] const trace::Prompt& prompt() const { return m_index->header.prompt; }
  [[nodiscard]] const TraceFacts& facts() const { return m_index->facts; }
  [[nodiscard]] std::uint64_t tokens() const { return m_index->facts.tokens; }
  [[nodiscard]] TraceStatus status() const { return m_index->status; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return m_index->warnings; }

  // Recorded runs in the order of the file, then what-if runs.
  [[nodiscard]] std::vector<RunId> runIds() const;
  [[nodiscard]] bool hasRun(RunId id) const;
  [[nodiscard]] const trace::RunHeader& runHeader(RunId id) const;  // of a run of runIds()
  [[nodiscard]] std::string runTitle(RunId id) const;
  [[nodiscard]] bool runFinished(RunId id) const;
  // Null until it is read: asks for it, and runReady(id) follows. Null for ever where the run was not finished.
  [[nodiscard]] RunPointer run(RunId id);

  [[nodiscard]] RunId newWhatIf() { return m_next_what_if++; }
  void putWhatIf(RunPointer view);  // its id from newWhatIf(); the same id again replaces it: runReady(id)
  void removeWhatIf(RunId id);

  void setRunCacheLimit(std::size_t bytes) { m_run_limit = bytes; }  // runs used least recently are read again

  template <class Job, class Done>
  RequestId post(Order order, Job job, QObject* context, Done done) {
    return m_thread.post(m_source, order, std::move(job), context, std::move(done));
  }
  // Puts notes into the trace itself. One sentence where it cannot be: it is unfinished, read-only, or somebody else
  // writes to it. Empty: done.
  std::string storeNotes(const std::string& json);
  [[nodiscard]] ReadingThread& thread() const { return m_thread; }
  [[nodiscard]] SourceId source() const { return m_source; }

 signals:
  void opened();                        // another trace: forget everything
  void failed(const QString& message);  // nothing was opened; what was open before is still there
  void refreshed();                     // the same trace with more layers or runs, or now complete
  void closed();
  void vanished(const QString& message);  // the file is gone or unreadable; what was read stays
  void runReady(int id);
  void runFailed(int id, const QString& message);
  void runListChanged();  // a what-if run came or went

 private:
  void adopt(std::shared_ptr<const DocumentIndex> fresh);
  void ask(SourceId source, const std::filesystem::path& path);
  void take(SourceId source, const std::filesystem::path& file, Answer<DocumentIndex> answer);
  void readRun(RunId id);
  void storeRun(RunId id, RunPointer view);
  void forgetRuns();
  void watch(const std::filesystem::path& file);

  ReadingThread& m_thread;
  State m_state = State::Empty;
  SourceId m_source = 0, m_opening = 0;
  std::filesystem::path m_path, m_asked, m_file;  // m_file: the path or its part file
  std::shared_ptr<const DocumentIndex> m_index;
  std::map<RunId, RunPointer> m_runs, m_what_ifs;
  std::vector<RunId> m_recent;  // keys of m_runs, used last at the end
  std::set<RunId> m_reading;
  std::size_t m_run_limit = std::size_t{512} << 20;
  RunId m_next_what_if = kFirstWhatIf;
  QFileSystemWatcher m_watcher;
  QTimer m_settle;                               // one look for many writes
  std::filesystem::file_time_type m_own_change;  // when notes were put into the file
};

}  // namespace kvatlas::views
