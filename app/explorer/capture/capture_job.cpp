#include "app/explorer/capture/capture_job.h"

#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>
#include <csignal>

namespace kvatlas::app {
namespace {

constexpr int kPartPollMs = 150, kKillDelayMs = 5000;

const QString kErrorPrefix = QStringLiteral("kvatlas: error: ");

}  // namespace

CaptureJob::CaptureJob(QObject* parent) : QObject(parent) {
  m_part_timer.setInterval(kPartPollMs);
  m_kill_timer.setSingleShot(true);
  m_kill_timer.setInterval(kKillDelayMs);
  connect(&m_part_timer, &QTimer::timeout, this, &CaptureJob::checkForPart);
  connect(&m_kill_timer, &QTimer::timeout, &m_process, &QProcess::kill);
  connect(&m_process, &QProcess::readyReadStandardError, this, [this] { readLines(); });
  connect(&m_process, &QProcess::readyReadStandardOutput, this, [this] {
    for (const QByteArray& line : m_process.readAllStandardOutput().split('\n'))
      if (!line.isEmpty()) emit logged(QString::fromUtf8(line));
  });
  connect(&m_process, &QProcess::finished, this, &CaptureJob::end);
  connect(&m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart)
      finish(End::Failed, tr("%1 failed to start: %2").arg(m_process.program(), m_process.errorString()));
  });
}

CaptureJob::~CaptureJob() {
  m_process.disconnect(this);
  if (m_process.state() == QProcess::NotRunning) return;
  ::kill(static_cast<pid_t>(m_process.processId()), SIGINT);
  if (!m_process.waitForFinished(kKillDelayMs)) m_process.kill();
  m_process.waitForFinished(kKillDelayMs);
}

void CaptureJob::start(const QString& programme, const CaptureRequest& request) {
  m_running = true;
  m_stopping = false;
  m_output = request.output;
  m_model = request.model;
  m_task.clear();
  m_error.clear();
  m_rest.clear();
  if (request.prompt_file.isEmpty() && request.results.isEmpty()) {
    m_text = std::make_unique<QTemporaryFile>(QDir::tempPath() + QStringLiteral("/kvatlas-prompt-XXXXXX.txt"));
    const QByteArray bytes = request.text.toUtf8();
    if (!m_text->open() || m_text->write(bytes) != bytes.size() || !m_text->flush())
      return finish(End::Failed, tr("%1: %2").arg(m_text->fileName(), m_text->errorString()));
  }
  // A part file of an earlier, unfinished capture may have the same name.
  m_part_before = QFileInfo(partFile()).lastModified();
  m_process.start(programme, request.arguments(m_text ? m_text->fileName() : QString()));
  m_part_timer.start();
}

void CaptureJob::stop() {
  if (m_process.state() == QProcess::NotRunning || m_stopping) return;
  m_stopping = true;
  ::kill(static_cast<pid_t>(m_process.processId()), SIGINT);
  m_kill_timer.start();
}

void CaptureJob::readLines() {
  m_rest += m_process.readAllStandardError();
  for (qsizetype end = m_rest.indexOf('\n'); end >= 0; end = m_rest.indexOf('\n')) {
    parseLine(QString::fromUtf8(m_rest.left(end)));
    m_rest.remove(0, end + 1);
  }
}

void CaptureJob::parseLine(const QString& line) {
  static const QRegularExpression progress(QStringLiteral("^kvatlas: (.+) (\\d+) %$"));
  if (const auto match = progress.match(line); match.hasMatch())
    return updateProgress(match.captured(1), match.captured(2).toInt());
  if (line.startsWith(kErrorPrefix)) m_error = line.mid(kErrorPrefix.size());
  // The user asked for it: no error.
  if (m_stopping && line.startsWith(kErrorPrefix)) return emit logged(tr("stopped by you"));
  if (!line.isEmpty()) emit logged(line);
}

void CaptureJob::updateProgress(const QString& task, int percent) {
  if (task != m_task) {
    m_task = task;
    m_task_time.start();
    return emit progressed(task, percent, -1);
  }
  const double seconds = static_cast<double>(m_task_time.elapsed()) / 1000;
  // Assumes that a task reports its first progress at 25 %.
  const bool known = percent > 25 && percent < 100;
  emit progressed(task, percent, known ? seconds * (100 - percent) / (percent - 25) : -1);
}

void CaptureJob::checkForPart() {
  const QFileInfo part(partFile());
  if (!part.exists() || part.lastModified() == m_part_before) return;
  m_part_timer.stop();
  emit partAppeared(partFile());
}

void CaptureJob::end(int exit_code, QProcess::ExitStatus status) {
  readLines();
  if (!m_rest.isEmpty()) parseLine(QString::fromUtf8(m_rest));
  m_rest.clear();
  if (status == QProcess::CrashExit && !m_stopping)
    return finish(End::Failed,
                  m_error.isEmpty() ? tr("kvatlas capture crashed (%1).").arg(m_process.errorString()) : m_error);
  if (status == QProcess::CrashExit || exit_code == 130)
    return finish(End::Stopped, m_error.isEmpty() ? tr("stopped") : m_error);
  if (exit_code != 0)
    return finish(End::Failed,
                  m_error.isEmpty() ? tr("kvatlas capture exited with status %1.").arg(exit_code) : m_error);
  finish(End::Done, {});
}

void CaptureJob::finish(End how, const QString& message) {
  m_part_timer.stop();
  m_kill_timer.stop();
  m_text.reset();
  m_running = false;
  emit finished(how, message);
}

}  // namespace kvatlas::app
