// A folder of results in the window: reads prompts and captures cases through `kvatlas`, and shows the answer in the
// trace of a case.
#pragma once

#include <QObject>

#include "app/explorer/results/prompt_job.h"

class QWidget;

namespace kvatlas::views {
class Document;
class MapPage;
class ResultsPage;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;
class WindowCapture;

class WindowResults : public QObject {
  Q_OBJECT

 public:
  // All arguments must outlive it.
  WindowResults(QWidget& window, views::ResultsPage& page, WindowCapture& capture, ExplorerSettings& settings);

  // The folder that a path names: a folder, or the settings or results in it; empty: another file.
  [[nodiscard]] static QString folderOf(const QString& path);
  // Emits opened() or failed().
  void open(const QString& folder);
  void choose();  // asks for a folder
  // What is right in the trace of a case that was opened from the results; empty: another trace.
  [[nodiscard]] QString answerOf(const views::Document& document) const;
  // Moves the cursor to the answer in the prompt; call when a trace has opened.
  void traceShown(const views::Document& document, views::Selection& selection, views::MapPage& map);

 signals:
  void openRequested(const QString& path);  // a trace, or a folder of results
  void opened(const QString& folder);
  void failed(const QString& message);    // nothing was opened
  void reported(const QString& message);  // a request within the open folder failed

 private:
  void readPrompt(const QString& case_id);
  void showAttention(const QString& case_id);
  void sourceChanged();

  QWidget& m_window;
  views::ResultsPage& m_page;
  WindowCapture& m_capture;
  ExplorerSettings& m_settings;
  bool m_opening = false;
  PromptJob m_prompts;
  QString m_trace, m_answer;  // of the case that was opened last
};

}  // namespace kvatlas::app
