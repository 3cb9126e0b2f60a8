#include "app/explorer/results/prompt_job.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace kvatlas::app {
namespace {

constexpr int kEndMs = 2000;

const QString kErrorPrefix = QStringLiteral("kvatlas: error: ");

// Spans count bytes, a text document UTF-16 units.
views::CasePrompt promptOf(const QJsonObject& json) {
  views::CasePrompt prompt{.text = json.value(QLatin1String("text")).toString(), .spans = {}};
  const QByteArray bytes = prompt.text.toUtf8();
  const auto units = [&](const QJsonValue& at) {
    return static_cast<int>(QString::fromUtf8(bytes.left(static_cast<qsizetype>(at.toDouble()))).size());
  };
  for (const QJsonValue& span : json.value(QLatin1String("spans")).toArray())
    prompt.spans.push_back({span[QLatin1String("name")].toString(), units(span[QLatin1String("begin")]),
                            units(span[QLatin1String("end")])});
  return prompt;
}

}  // namespace

PromptJob::PromptJob(QObject* parent) : QObject(parent) {
  connect(&m_process, &QProcess::finished, this, &PromptJob::finish);
  connect(&m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart)
      emit failed(m_case, tr("%1 failed to start: %2").arg(m_process.program(), m_process.errorString()));
  });
}

PromptJob::~PromptJob() {
  cancel();
}

void PromptJob::cancel() {
  m_process.blockSignals(true);
  m_process.kill();
  m_process.waitForFinished(kEndMs);
  m_process.blockSignals(false);
}

void PromptJob::start(const QString& programme, const QString& folder, const QString& case_id) {
  cancel();
  m_case = case_id;
  m_process.start(programme, {QStringLiteral("evaluate"), QStringLiteral("prompt"), folder, QStringLiteral("--case"),
                              case_id, QStringLiteral("--json")});
}

void PromptJob::finish(int exit_code, QProcess::ExitStatus status) {
  if (status == QProcess::NormalExit && exit_code == 0)
    return emit ready(m_case, promptOf(QJsonDocument::fromJson(m_process.readAllStandardOutput()).object()));
  const QStringList lines = QString::fromUtf8(m_process.readAllStandardError()).split(QLatin1Char('\n'));
  const auto said = lines.filter(kErrorPrefix);
  emit failed(m_case, said.isEmpty() ? tr("kvatlas ended without an answer") : said.last().mid(kErrorPrefix.size()));
}

}  // namespace kvatlas::app
