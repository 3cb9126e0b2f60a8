// Captures started in the window: the dialog, the child process and its progress in the status bar. Asks the window to
// open traces and to show messages.
#pragma once

#include <QObject>
#include <QPointer>

#include "app/explorer/capture/capture_job.h"
#include "app/explorer/capture/capture_request.h"

class QLabel;
class QMainWindow;

namespace kvatlas::views {
class Document;
}  // namespace kvatlas::views

namespace kvatlas::app {

class CaptureDialog;
class ExplorerSettings;
struct WindowActions;

class WindowCapture : public QObject {
  Q_OBJECT

 public:
  // All arguments must outlive it; `progress` is a label in the status bar.
  WindowCapture(QMainWindow& window, WindowActions& actions, ExplorerSettings& settings, QLabel& progress);
  ~WindowCapture() override;

  void show();
  // The dialog, filled with the trace's model, prompt and spans, a what-if's method, budget and window, and a new name.
  void showFor(const views::Document& document, const QString& method, const QString& budget, int window);
  // Captures a case of a run without the dialog, unless a capture runs already.
  void captureCase(const QString& results, const QString& case_id, const QString& output);
  // Call when a trace has opened: remembers where the model of a capture is, and how much of it is recorded.
  void traceShown(const views::Document& document);
  // Call when opening failed. True if a capture has just begun: schedules another attempt.
  bool retryOpen();

 signals:
  void openRequested(const QString& path);                     // a running capture can be opened
  void captureFinished(const QString& path);                   // the trace is complete
  void reported(const QString& message, bool failure = true);  // one sentence for the message bar

 private:
  void follow();
  void showProgress(const QString& text);
  [[nodiscard]] QString modelOf(const views::Document& document, const QString& last) const;
  void end(CaptureJob::End end, const QString& message);

  QMainWindow& m_window;
  WindowActions& m_actions;
  ExplorerSettings& m_settings;
  QLabel& m_progress;
  CaptureJob m_job;
  QPointer<CaptureDialog> m_dialog;
  QString m_task, m_recorded;  // of the running capture
  bool m_following = false;    // the window shows the running capture
};

}  // namespace kvatlas::app
