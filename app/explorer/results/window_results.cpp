#include "app/explorer/results/window_results.h"

#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <algorithm>
#include <utility>

#include "app/explorer/capture/window_capture.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/qt_text.h"
#include "views/pages/map/map_page.h"
#include "views/pages/results/case_details.h"
#include "views/pages/results/results_page.h"

namespace kvatlas::app {

WindowResults::WindowResults(QWidget& window, views::ResultsPage& page, WindowCapture& capture,
                             ExplorerSettings& settings)
    : QObject(&window), m_window(window), m_page(page), m_capture(capture), m_settings(settings) {
  views::CaseDetails& details = page.details();
  connect(&details, &views::CaseDetails::promptWanted, this, &WindowResults::readPrompt);
  connect(&details, &views::CaseDetails::attentionWanted, this, &WindowResults::showAttention);
  connect(&m_prompts, &PromptJob::ready, &details, &views::CaseDetails::setPrompt);
  connect(&m_prompts, &PromptJob::failed, &details, &views::CaseDetails::setPromptProblem);
  connect(&page.source(), &views::ResultsSource::changed, this, &WindowResults::sourceChanged);
  connect(&page.source(), &views::ResultsSource::failed, this, [this](const QString& message) {
    m_opening = false;
    emit failed(message);
  });
}

void WindowResults::open(const QString& folder) {
  m_opening = true;
  m_settings.setLastFolder(folder);
  m_page.source().open(folder.toStdString());
}

void WindowResults::choose() {
  const QString folder =
      QFileDialog::getExistingDirectory(&m_window, tr("Open the results of an evaluation"), m_settings.lastFolder());
  if (!folder.isEmpty()) emit openRequested(folder);
}

void WindowResults::sourceChanged() {
  const bool opening = std::exchange(m_opening, false);
  if (!m_page.source().isOpen())
    m_prompts.cancel();
  else if (opening)
    emit opened(QString::fromStdString(m_page.source().folder().string()));
}

QString WindowResults::folderOf(const QString& path) {
  const QFileInfo info(path);
  if (info.isDir()) return info.absoluteFilePath();
  const bool part = info.fileName() == QLatin1String(results::kSettingsFile) ||
                    info.fileName() == QLatin1String(results::kResultsFile);
  return part ? info.absolutePath() : QString();
}

void WindowResults::readPrompt(const QString& case_id) {
  const QString programme = kvatlasProgramme();
  if (programme.isEmpty())
    return m_page.details().setPromptProblem(case_id, tr("the kvatlas executable was not found"));
  m_prompts.start(programme, QString::fromStdString(m_page.source().folder().string()), case_id);
}

void WindowResults::showAttention(const QString& case_id) {
  if (case_id.isEmpty()) return;
  const QDir folder(QString::fromStdString(m_page.source().folder().string()));
  const QString trace = folder.filePath(QStringLiteral("traces/%1.kva.h5").arg(case_id));
  const int row = m_page.cases().rowOf(case_id);
  m_trace = trace;
  m_answer = row < 0 ? QString() : views::toQString(m_page.cases().recordsAt(row).front().expected);
  if (QFileInfo::exists(trace)) return emit openRequested(trace);
  if (!folder.mkpath(QStringLiteral("traces")))
    return emit reported(tr("%1: cannot make the folder of traces").arg(folder.filePath(QStringLiteral("traces"))));
  m_capture.captureCase(folder.path(), case_id, trace);
}

QString WindowResults::answerOf(const views::Document& document) const {
  if (!document.isOpen() || m_trace.isEmpty()) return {};
  const QString path = QString::fromStdString(document.path().string());
  return path == m_trace || path == m_trace + QStringLiteral(".part") ? m_answer : QString();
}

void WindowResults::traceShown(const views::Document& document, views::Selection& selection, views::MapPage& map) {
  if (answerOf(document).isEmpty()) return;
  const auto& spans = document.prompt().spans;
  auto span = std::ranges::find(spans, "answer", &trace::Span::name);
  if (span == spans.end()) span = std::ranges::find(spans, "needle", &trace::Span::name);
  if (span == spans.end() || document.tokens() == 0) return;
  const views::Cell cell{static_cast<TokenIndex>(document.tokens() - 1), static_cast<TokenIndex>(span->begin)};
  selection.setCursor(cell);
  map.reveal(cell);
}

}  // namespace kvatlas::app
