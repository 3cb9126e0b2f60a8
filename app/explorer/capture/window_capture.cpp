#include "app/explorer/capture/window_capture.h"

#include <QAction>
#include <QLabel>
#include <QMainWindow>
#include <QTimer>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/window_actions.h"

namespace kvatlas::app {
namespace {

constexpr int kAgainMs = 400;

}  // namespace

WindowCapture::WindowCapture(QMainWindow& window, WindowActions& actions, ExplorerSettings& settings, QLabel& progress)
    : QObject(&window), m_window(window), m_actions(actions), m_settings(settings), m_progress(progress) {
  connect(m_actions.new_capture, &QAction::triggered, this, &WindowCapture::show);
  connect(m_actions.stop_capture, &QAction::triggered, &m_job, &CaptureJob::stop);
  connect(&m_job, &CaptureJob::progressed, this, [this](const QString& task, int percent, double left) {
    m_progress.setText(tr("capture: %1").arg(progressText(task, percent, left)));
    m_actions.stop_capture->setEnabled(true);
  });
  connect(&m_job, &CaptureJob::partAppeared, this, &WindowCapture::follow);
  connect(&m_job, &CaptureJob::finished, this, &WindowCapture::end);
}

WindowCapture::~WindowCapture() {
  delete m_dialog;
}

void WindowCapture::show() {
  const QString programme = kvatlasProgramme();
  if (programme.isEmpty())
    return emit said(tr("The programme kvatlas was not found beside this one: captures need it."));
  if (!m_dialog) {
    m_dialog = new CaptureDialog(m_job, m_settings, programme, &m_window);
    m_dialog->setAttribute(Qt::WA_DeleteOnClose);
  }
  m_dialog->show();
  m_dialog->raise();
  m_dialog->activateWindow();
}

void WindowCapture::showFor(const QString& text, const QString& method, const QString& budget, int window) {
  show();
  if (!m_dialog || m_job.running()) return;
  CaptureForm& form = m_dialog->form();
  form.setRequest(form.request().with(text, method, budget, window));
}

// As soon as there is something to see of it.
void WindowCapture::follow() {
  if (!m_job.running()) return;
  m_following = true;
  emit openWanted(m_job.output());
}

bool WindowCapture::tryAgain() {
  if (!m_following || !m_job.running()) return false;
  QTimer::singleShot(kAgainMs, this, &WindowCapture::follow);
  return true;
}

void WindowCapture::end(CaptureJob::End end, const QString& message) {
  m_progress.clear();
  m_actions.stop_capture->setEnabled(false);
  m_following = false;
  if (end == CaptureJob::End::Failed) emit said(tr("The capture failed: %1").arg(message));
  if (end == CaptureJob::End::Stopped) emit said(tr("The capture ended early: %1").arg(message), false);
  if (end == CaptureJob::End::Done) emit doneAt(m_job.output());
}

}  // namespace kvatlas::app
