// Captures of the window: the dialog, the child process and what the status bar says of it. Knows no trace: what is to
// be opened or said it asks for.
#pragma once

#include <QObject>
#include <QPointer>

#include "app/explorer/capture/capture_job.h"
#include "app/explorer/capture/capture_request.h"

class QLabel;
class QMainWindow;

namespace kvatlas::app {

class CaptureDialog;
class ExplorerSettings;
struct WindowActions;

class WindowCapture : public QObject {
  Q_OBJECT

 public:
  // All of them must outlive it; `progress` is of the status bar.
  WindowCapture(QMainWindow& window, WindowActions& actions, ExplorerSettings& settings, QLabel& progress);
  ~WindowCapture() override;

  void show();
  // The dialog for the same prompt with another method, as a what-if asks for.
  void showFor(const QString& text, const QString& method, const QString& budget, int window);
  // Whether what could not be opened is a capture that has only begun: it is asked for again.
  bool tryAgain();

 signals:
  void openWanted(const QString& path);                    // of a capture that has something to show
  void doneAt(const QString& path);                        // it is whole now
  void said(const QString& message, bool failure = true);  // one sentence for the window

 private:
  void follow();
  void end(CaptureJob::End end, const QString& message);

  QMainWindow& m_window;
  WindowActions& m_actions;
  ExplorerSettings& m_settings;
  QLabel& m_progress;
  CaptureJob m_job;
  QPointer<CaptureDialog> m_dialog;
  bool m_following = false;  // open its part file as soon as there is one
};

}  // namespace kvatlas::app
