// The capture dialog: the form, and the progress and log of a running job. The job continues if the dialog is closed.
#pragma once

#include <QDialog>

#include "app/explorer/capture/capture_job.h"

class QLabel;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;

namespace kvatlas::app {

class CaptureForm;
class ExplorerSettings;

class CaptureDialog : public QDialog {
  Q_OBJECT

 public:
  CaptureDialog(CaptureJob& job, ExplorerSettings& settings, const QString& programme, QWidget* parent = nullptr);

  [[nodiscard]] CaptureForm& form() { return *m_form; }

 private:
  void check();
  void start();
  void proposeFreeName();
  [[nodiscard]] QString outputToUse();
  void showProgress(const QString& task, int percent, double seconds_left);
  void showEnd(CaptureJob::End end, const QString& message);
  void setRunning(bool running);
  void showReport(bool shown);  // progress and messages

  CaptureJob& m_job;
  ExplorerSettings& m_settings;
  const QString m_programme;
  CaptureForm* m_form;
  QLabel *m_problem, *m_state;
  QProgressBar* m_bar;
  QPlainTextEdit* m_log;
  QPushButton *m_start, *m_stop;
};

// "prefill 50 %, about 12 s left"
[[nodiscard]] QString progressText(const QString& task, int percent, double seconds_left);

}  // namespace kvatlas::app
