#include "app/explorer/capture/capture_dialog.h"

#include <QDir>
#include <QFileInfo>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QScreen>
#include <QScrollArea>
#include <QVBoxLayout>

#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"

namespace kvatlas::app {
namespace {

const QString kName = QStringLiteral("capture");

// Default for a first start: the bundled model on the sample text.
CaptureRequest firstRequest() {
  CaptureRequest request;
  request.model = resourceFile(QStringLiteral("models/tiny-llama"));
  request.prompt_file = resourceFile(QStringLiteral("samples/kellynch.txt"));
  request.methods = QStringList{QStringLiteral("streamingllm"), QStringLiteral("h2o"), QStringLiteral("snapkv"),
                                QStringLiteral("pyramidkv")};
  request.budgets = QStringList{QStringLiteral("64"), QStringLiteral("10%")};
  request.new_tokens = 16;
  request.output = freeTraceName(QDir::home().filePath(QStringLiteral("capture.kva.h5")));
  return request;
}

}  // namespace

QString progressText(const QString& task, int percent, double seconds_left) {
  if (percent >= 100) return QObject::tr("%1 done").arg(task);
  const QString done = QObject::tr("%1 %2 %").arg(task).arg(percent);
  return seconds_left < 0 ? done : QObject::tr("%1, about %2 s left").arg(done).arg(qRound(seconds_left));
}

CaptureDialog::CaptureDialog(CaptureJob& job, ExplorerSettings& settings, const QString& programme, QWidget* parent)
    : QDialog(parent),
      m_job(job),
      m_settings(settings),
      m_programme(programme),
      m_form(new CaptureForm),
      m_problem(new QLabel),
      m_state(new QLabel),
      m_bar(new QProgressBar),
      m_log(new QPlainTextEdit),
      m_start(new QPushButton(tr("&Start"))),
      m_stop(new QPushButton(tr("S&top"))) {
  setWindowTitle(tr("Capture a prompt"));
  setObjectName(QStringLiteral("captureDialog"));
  m_problem->setObjectName(QStringLiteral("captureProblem"));
  m_state->setObjectName(QStringLiteral("captureState"));
  m_log->setObjectName(QStringLiteral("captureLog"));
  m_start->setObjectName(QStringLiteral("captureStart"));
  m_stop->setObjectName(QStringLiteral("captureStop"));
  m_problem->setWordWrap(true);
  m_state->setWordWrap(true);
  m_bar->setRange(0, 100);
  m_log->setReadOnly(true);
  m_log->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  m_log->setLineWrapMode(QPlainTextEdit::NoWrap);
  m_log->setMaximumBlockCount(2000);
  m_log->setMinimumHeight(90);
  auto* close = new QPushButton(tr("C&lose"));
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_problem, 1);
  for (QPushButton* button : {m_start, m_stop, close}) buttons->addWidget(button);
  auto* column = new QVBoxLayout(this);
  auto* scroll = new QScrollArea;  // on a small screen the buttons stay visible
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setWidget(m_form);
  column->addWidget(scroll, 3);
  column->addWidget(m_state);
  column->addWidget(m_bar);
  column->addWidget(m_log, 1);
  column->addLayout(buttons);
  showReport(false);  // until there is something to report, the form has the room
  m_log->setAccessibleName(tr("Messages of the capture"));
  m_bar->setAccessibleName(tr("Progress of the capture"));
  const QSize room = screen() == nullptr ? QSize(720, 820) : screen()->availableSize() - QSize(16, 48);
  resize(QSize(720, 820).boundedTo(room));
  const QVariantMap fields = settings.dialog(kName);
  if (fields.isEmpty())
    m_form->setRequest(firstRequest());
  else
    m_form->setFields(fields);
  proposeFreeName();
  connect(m_form, &CaptureForm::changed, this, &CaptureDialog::check);
  connect(m_start, &QPushButton::clicked, this, &CaptureDialog::start);
  connect(m_stop, &QPushButton::clicked, &m_job, &CaptureJob::stop);
  connect(close, &QPushButton::clicked, this, &QDialog::close);
  connect(&m_job, &CaptureJob::progressed, this, &CaptureDialog::showProgress);
  connect(&m_job, &CaptureJob::logged, m_log, &QPlainTextEdit::appendPlainText);
  connect(&m_job, &CaptureJob::finished, this, &CaptureDialog::showEnd);
  setRunning(m_job.running());
}

void CaptureDialog::check() {
  const QString problem = m_form->request().problem();
  m_problem->setText(problem);
  m_start->setEnabled(problem.isEmpty() && !m_job.running());
}

// The last capture's name is taken by the last capture.
void CaptureDialog::proposeFreeName() {
  CaptureRequest request = m_form->request();
  request.output = freeTraceName(request.output);
  m_form->setRequest(request);
}

// Empty: the user does not want to start.
QString CaptureDialog::outputToUse() {
  const CaptureRequest request = m_form->request();
  if (!request.outputExists()) return request.output;
  const QString free = freeTraceName(request.output);
  QMessageBox question(
      QMessageBox::Question, tr("The file exists"),
      tr("%1 exists already. A capture does not replace a trace and its bookmarks.").arg(request.output),
      QMessageBox::Cancel, this);
  question.setObjectName(QStringLiteral("captureExists"));
  QPushButton* other = question.addButton(tr("Write %1").arg(QFileInfo(free).fileName()), QMessageBox::AcceptRole);
  question.setDefaultButton(other);
  question.exec();
  return question.clickedButton() == other ? free : QString();
}

void CaptureDialog::start() {
  const QString output = outputToUse();
  if (output.isEmpty()) return;
  CaptureRequest request = m_form->request();
  request.output = output;
  m_form->setRequest(request);
  m_settings.saveDialog(kName, m_form->fields());
  m_log->clear();
  m_bar->setValue(0);
  m_state->setText(tr("starting…"));
  setRunning(true);
  showReport(true);
  m_job.start(m_programme, request);
}

void CaptureDialog::showProgress(const QString& task, int percent, double seconds_left) {
  m_bar->setValue(percent);
  m_state->setText(progressText(task, percent, seconds_left));
}

void CaptureDialog::showEnd(CaptureJob::End end, const QString& message) {
  setRunning(false);
  if (end == CaptureJob::End::Done) m_bar->setValue(100);
  if (end == CaptureJob::End::Done) proposeFreeName();
  m_state->setText(end == CaptureJob::End::Done ? tr("Done: %1").arg(m_job.output()) : message);
}

void CaptureDialog::showReport(bool shown) {
  for (QWidget* each : std::initializer_list<QWidget*>{m_state, m_bar, m_log}) each->setVisible(shown);
}

void CaptureDialog::setRunning(bool running) {
  m_form->setEnabled(!running);
  m_stop->setEnabled(running);
  check();
}

}  // namespace kvatlas::app
