// A folder of results in the window: reads prompts and captures cases through `kvatlas`, and shows the answer in the
// trace of a case.
#pragma once

#include <QObject>

#include "app/explorer/results/prompt_job.h"

namespace kvatlas::views {
class Document;
class MapPage;
class ResultsPage;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

class WindowCapture;

class WindowResults : public QObject {
  Q_OBJECT

 public:
  WindowResults(views::ResultsPage& page, WindowCapture& capture, QObject* parent);

  // The folder that a path names: a folder, or the settings or results in it; empty: another file.
  [[nodiscard]] static QString folderOf(const QString& path);
  // What is right in the trace of a case that was opened from the results; empty: another trace.
  [[nodiscard]] QString answerOf(const views::Document& document) const;
  // Moves the cursor to the answer in the prompt; call when a trace has opened.
  void traceShown(const views::Document& document, views::Selection& selection, views::MapPage& map);

 signals:
  void openRequested(const QString& trace);
  void reported(const QString& message);

 private:
  void readPrompt(const QString& case_id);
  void showAttention(const QString& case_id);

  views::ResultsPage& m_page;
  WindowCapture& m_capture;
  PromptJob m_prompts;
  QString m_trace, m_answer;  // of the case that was opened last
};

}  // namespace kvatlas::app
