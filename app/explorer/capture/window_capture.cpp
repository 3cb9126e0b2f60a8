#include "app/explorer/capture/window_capture.h"

#include <QAction>
#include <QFileInfo>
#include <QLabel>
#include <QMainWindow>
#include <QTimer>
#include <algorithm>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/window_actions.h"
#include "views/models/document/document.h"

namespace kvatlas::app {
namespace {

constexpr int kRetryMs = 400;

}  // namespace

WindowCapture::WindowCapture(QMainWindow& window, WindowActions& actions, ExplorerSettings& settings, QLabel& progress)
    : QObject(&window), m_window(window), m_actions(actions), m_settings(settings), m_progress(progress) {
  connect(m_actions.new_capture, &QAction::triggered, this, &WindowCapture::show);
  connect(m_actions.stop_capture, &QAction::triggered, &m_job, &CaptureJob::stop);
  connect(&m_job, &CaptureJob::progressed, this, [this](const QString& task, int percent, double left) {
    showProgress(progressText(task, percent, left));
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
    return emit reported(tr("The kvatlas executable was not found next to kvatlas-explorer; captures need it."));
  if (!m_dialog) {
    m_dialog = new CaptureDialog(m_job, m_settings, programme, &m_window);
    m_dialog->setAttribute(Qt::WA_DeleteOnClose);
  }
  m_dialog->show();
  m_dialog->raise();
  m_dialog->activateWindow();
}

// A task that reports 100 % may be followed by a long one without reports: the recorded layers show that it goes on.
void WindowCapture::showProgress(const QString& text) {
  m_task = text;
  m_progress.setText(m_recorded.isEmpty() ? tr("capture: %1").arg(text) : tr("capture: %1, %2").arg(text, m_recorded));
}

void WindowCapture::traceShown(const views::Document& document) {
  if (!document.isOpen() || document.path() != m_job.output().toStdString()) return;
  if (!m_job.model().isEmpty())
    m_settings.setModelPath(QString::fromStdString(document.model().weights_fingerprint), m_job.model());
  const auto& recorded = document.index().recorded;
  m_recorded = tr("%1 of %2 layers recorded").arg(std::ranges::count(recorded, true)).arg(recorded.size());
  if (m_job.running()) showProgress(m_task);
}

// The model of a trace: where it was captured from, or one of the same name; empty: unknown.
QString WindowCapture::modelOf(const views::Document& document, const QString& last) const {
  const auto letters = [](const QString& text) {
    QString kept;
    for (const QChar c : text.toLower())
      if (c.isLetterOrNumber()) kept += c;
    return kept;
  };
  const QString known = m_settings.modelPath(QString::fromStdString(document.model().weights_fingerprint));
  if (!known.isEmpty() && QFileInfo::exists(known)) return known;
  const QString name = letters(QString::fromStdString(document.model().name));
  for (const QString& path : {last, resourceFile(QStringLiteral("models/tiny-llama"))}) {
    const QString file = letters(QFileInfo(path).fileName());
    if (!name.isEmpty() && !file.isEmpty() && (file.contains(name) || name.contains(file))) return path;
  }
  return {};
}

void WindowCapture::showFor(const views::Document& document, const QString& method, const QString& budget, int window) {
  show();
  if (!m_dialog || m_job.running()) return;
  CaptureForm& form = m_dialog->form();
  const CaptureRequest before = form.request();
  const trace::Prompt& prompt = document.prompt();
  CaptureRequest request = before.with(QString::fromStdString(prompt.text), method, budget, window);
  request.model = modelOf(document, before.model);
  request.spans.clear();
  for (const trace::Span& span : prompt.spans)
    if (span.begin < span.end && span.end < prompt.offsets.size())
      request.spans << QString::fromStdString(
          span.name + "=" +
          prompt.text.substr(prompt.offsets[span.begin], prompt.offsets[span.end] - prompt.offsets[span.begin]));
  QString stem = QString::fromStdString(document.path().string());
  for (const char* ending : {".part", ".h5", ".kva"})
    if (stem.endsWith(QLatin1String(ending))) stem.chop(static_cast<int>(qstrlen(ending)));
  QString branch = method.section(QLatin1Char(':'), 0, 0) + QLatin1Char('-') + budget;
  request.output = freeTraceName(stem + QLatin1Char('-') + branch.remove(QLatin1Char('%')) + QStringLiteral(".kva.h5"));
  form.setRequest(request);
}

void WindowCapture::captureCase(const QString& results, const QString& case_id, const QString& output) {
  const QString programme = kvatlasProgramme();
  if (programme.isEmpty())
    return emit reported(tr("The kvatlas executable was not found next to kvatlas-explorer; captures need it."));
  if (m_job.running()) return emit reported(tr("A capture is running; wait for it or stop it first."), false);
  CaptureRequest request;
  request.results = results;
  request.case_id = case_id;
  request.output = output;
  m_recorded.clear();
  showProgress(tr("reading the model"));
  m_actions.stop_capture->setEnabled(true);
  m_job.start(programme, request);
}

// Opens the part file as soon as it exists.
void WindowCapture::follow() {
  if (!m_job.running()) return;
  m_following = true;
  emit openRequested(m_job.output());
}

bool WindowCapture::retryOpen() {
  if (!m_following || !m_job.running()) return false;
  QTimer::singleShot(kRetryMs, this, &WindowCapture::follow);
  return true;
}

void WindowCapture::end(CaptureJob::End end, const QString& message) {
  m_progress.clear();
  m_recorded.clear();
  m_actions.stop_capture->setEnabled(false);
  m_following = false;
  if (end == CaptureJob::End::Failed) emit reported(tr("The capture failed: %1").arg(message));
  if (end == CaptureJob::End::Stopped) emit reported(tr("The capture ended early: %1").arg(message), false);
  if (end == CaptureJob::End::Done) emit captureFinished(m_job.output());
}

}  // namespace kvatlas::app
