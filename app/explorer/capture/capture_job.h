// One run of `kvatlas capture` as a child process: its progress, its words, its end. A child that crashes is an outcome
// like any other. Knows no widget.
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
  ~CaptureJob() override;  // a child still running is stopped

  // From here on finished() comes exactly once, also where the programme cannot be started.
  void start(const QString& programme, const CaptureRequest& request);
  void stop();  // as Ctrl-C does; killed when it has not ended 5 s later
  [[nodiscard]] bool running() const { return m_running; }
  [[nodiscard]] const QString& output() const { return m_output; }
  [[nodiscard]] QString partFile() const { return m_output + QStringLiteral(".part"); }

 signals:
  // percent of the task; seconds_left < 0: not known yet.
  void progressed(const QString& task, int percent, double seconds_left);
  void said(const QString& line);          // a line for the log
  void partAppeared(const QString& file);  // what is recorded so far can be opened from now on
  void finished(kvatlas::app::CaptureJob::End end, const QString& message);

 private:
  void readLines();
  void takeLine(const QString& line);
  void takeProgress(const QString& task, int percent);
  void lookForPart();
  void end(int exit_code, QProcess::ExitStatus status);
  void finish(End how, const QString& message);

  QProcess m_process;
  QTimer m_part_timer, m_kill_timer;
  QElapsedTimer m_task_time;
  std::unique_ptr<QTemporaryFile> m_text;
  QString m_output, m_task, m_error;
  QByteArray m_rest;
  QDateTime m_part_before;  // of another capture's part file that was there
  bool m_running = false, m_stopping = false;
};

}  // namespace kvatlas::app
