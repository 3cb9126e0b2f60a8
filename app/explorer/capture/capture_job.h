// One run of `kvatlas capture` as a child process: progress, log and result.
// A crash of the child is reported as a failure.
#pragma once

#include <QDateTime>
#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QTemporaryFile>
#include <QTimer>
#include <memory>

#include "app/explorer/capture/capture_request.h"

namespace kvatlas::app {

class CaptureJob : public QObject {
  Q_OBJECT

 public:
  enum class End { Done, Stopped, Failed };

  explicit CaptureJob(QObject* parent = nullptr);
  ~CaptureJob() override;  // stops a running child

  // Emits finished() exactly once, even if the executable fails to start.
  void start(const QString& programme, const CaptureRequest& request);
  void stop();  // sends SIGINT; kills the child if it still runs 5 s later
  [[nodiscard]] bool running() const { return m_running; }
  [[nodiscard]] const QString& model() const { return m_model; }  // of the last start()
  [[nodiscard]] const QString& output() const { return m_output; }
  [[nodiscard]] QString partFile() const { return m_output + QStringLiteral(".part"); }

 signals:
  // Percent of the current task; seconds_left < 0: unknown.
  void progressed(const QString& task, int percent, double seconds_left);
  void logged(const QString& line);        // one log line
  void partAppeared(const QString& file);  // the trace recorded so far can be opened
  void finished(kvatlas::app::CaptureJob::End end, const QString& message);

 private:
  void readLines();
  void parseLine(const QString& line);
  void updateProgress(const QString& task, int percent);
  void checkForPart();
  void end(int exit_code, QProcess::ExitStatus status);
  void finish(End how, const QString& message);

  QProcess m_process;
  QTimer m_part_timer, m_kill_timer;
  QElapsedTimer m_task_time;
  std::unique_ptr<QTemporaryFile> m_text;
  QString m_model, m_output, m_task, m_error;
  QByteArray m_rest;
  QDateTime m_part_before;  // mtime of a part file of an earlier capture
  bool m_running = false, m_stopping = false;
};

}  // namespace kvatlas::app
