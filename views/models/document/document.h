// An open trace: its index, the runs read so far, what-if runs, and a watch on the file.
// Everything else is read through post(). Qt Core only.
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

  // Emits opened() or failed(); until then the previous trace stays open. `path` also finds "<path>.part", the file of
  // a capture in progress.
  void open(const std::filesystem::path& path);
  void refresh();  // reloads the file: emits refreshed() if it has grown, opened() if it is another trace
  void close();    // closed()

  [[nodiscard]] State state() const { return m_state; }
  [[nodiscard]] bool isOpen() const { return m_index != nullptr; }
  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }  // as passed to open(), without ".part"
  [[nodiscard]] std::shared_ptr<const DocumentIndex> indexPointer() const { return m_index; }

  // Only while open. References are valid until this object's next signal.
  [[nodiscard]] const DocumentIndex& index() const { return *m_index; }
  [[nodiscard]] const trace::TraceHeader& header() const { return m_index->header; }
  [[nodiscard]] const trace::ModelInfo& model() const { return m_index->header.model; }
  [[nodiscard]] const trace::Prompt& prompt() const { return m_index->header.prompt; }
  [[nodiscard]] const TraceFacts& facts() const { return m_index->facts; }
  [[nodiscard]] std::uint64_t tokens() const { return m_index->facts.tokens; }
  [[nodiscard]] TraceStatus status() const { return m_index->status; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return m_index->warnings; }

  // Recorded runs in file order, then what-if runs.
  [[nodiscard]] std::vector<RunId> runIds() const;
  [[nodiscard]] bool hasRun(RunId id) const;
  [[nodiscard]] const trace::RunHeader& runHeader(RunId id) const;  // of a run of runIds()
  [[nodiscard]] std::string runTitle(RunId id) const;
  [[nodiscard]] bool runFinished(RunId id) const;
  // Null until loaded; the first call starts reading, and runReady(id) follows. Always null for an unfinished run.
  [[nodiscard]] RunPointer run(RunId id);

  [[nodiscard]] RunId newWhatIf() { return m_next_what_if++; }
  void putWhatIf(RunPointer view);  // id from newWhatIf(); a known id replaces that run. Emits runReady(id)
  void removeWhatIf(RunId id);

  // Spans that the user named, shown after the recorded ones. Emits spansChanged().
  void setOwnSpans(std::vector<trace::Span> spans);
  [[nodiscard]] const std::vector<trace::Span>& ownSpans() const { return m_own_spans; }
  // The notes in the file now; another window may have changed them. The last known ones if it cannot be read.
  [[nodiscard]] std::string storedNotes();

  void setRunCacheLimit(std::size_t bytes) { m_run_limit = bytes; }  // evicts least recently used

  template <class Job, class Done>
  RequestId post(Order order, Job job, QObject* context, Done done) {
    return m_thread.post(m_source, order, std::move(job), context, std::move(done));
  }
  // Stores notes in the trace file. Returns an empty string on success, else the reason: unfinished, read-only, or
  // open for writing elsewhere.
  std::string storeNotes(const std::string& json);
  [[nodiscard]] ReadingThread& thread() const { return m_thread; }
  [[nodiscard]] SourceId source() const { return m_source; }

 signals:
  void replaced();                      // before opened() and closed(): caches drop what is of another trace
  void opened();                        // another trace: drop all state
  void failed(const QString& message);  // the previous trace stays open
  void refreshed();                     // same trace with more layers or runs, or now complete
  void closed();
  void vanished(const QString& message);  // file deleted or unreadable; loaded data stay
  void runReady(int id);
  void runFailed(int id, const QString& message);
  void runListChanged();  // a what-if run was added or removed
  void spansChanged();

 private:
  void appendOwnSpans(DocumentIndex& index) const;
  void adopt(std::shared_ptr<const DocumentIndex> fresh);
  void readIndex(SourceId source, const std::filesystem::path& path);
  void indexRead(SourceId source, const std::filesystem::path& file, Answer<DocumentIndex> answer);
  void readRun(RunId id);
  void storeRun(RunId id, RunPointer view);
  void forgetRuns();
  void watch(const std::filesystem::path& file);

  ReadingThread& m_thread;
  State m_state = State::Empty;
  SourceId m_source = 0, m_opening = 0;
  std::filesystem::path m_path, m_requested, m_file;  // m_file: the path or its part file
  std::shared_ptr<const DocumentIndex> m_index;
  std::size_t m_recorded_spans = 0;
  std::vector<trace::Span> m_own_spans;  // also at the end of the index's spans
  std::map<RunId, RunPointer> m_runs, m_what_ifs;
  std::vector<RunId> m_recent;  // keys of m_runs, most recent last
  std::set<RunId> m_reading;
  std::size_t m_run_limit = std::size_t{512} << 20;
  RunId m_next_what_if = kFirstWhatIf;
  QFileSystemWatcher m_watcher;
  QTimer m_settle;                               // merges many writes into one refresh
  std::filesystem::file_time_type m_own_change;  // when we stored notes in the file
};

}  // namespace kvatlas::views
