// The main window of the Explorer: connects document, pages, menus and captures.
// Each page decides what it shows.
#pragma once

#include <QMainWindow>
#include <memory>

#include "app/explorer/window/window_actions.h"
#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/document/trace_shelf.h"

class QLabel;

namespace kvatlas::views {
class MessageBar;
class ResultsPage;
class StartPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;
class RecentFiles;
class ThemeSwitch;
class ViewKeeper;
class WindowCapture;
class WindowNotes;
class WindowPages;
class WindowResults;
class WindowScreens;
class WindowTraces;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(ExplorerSettings& settings, QWidget* parent = nullptr);
  ~MainWindow() override;

  // Shows the trace or the folder of results, or an error message above what is open already.
  void openFile(const QString& path);
  // Lists its runs beside those of the open trace; without one, opens it.
  void addFile(const QString& path);
  [[nodiscard]] views::Document& document() { return m_document; }
  [[nodiscard]] views::TraceShelf& shelf() { return m_shelf; }
  [[nodiscard]] views::Selection& selection() { return m_selection; }
  [[nodiscard]] WindowActions& actions() { return m_actions; }
  [[nodiscard]] ThemeSwitch& theme() { return *m_theme; }
  [[nodiscard]] WindowPages& pages() { return *m_pages; }
  [[nodiscard]] views::ResultsPage& results() { return *m_results_page; }
  [[nodiscard]] ViewKeeper& viewKeeper() { return *m_views; }
  [[nodiscard]] QString message() const;  // in the message bar; empty: none
  [[nodiscard]] bool busy() const;        // data to draw is still loading

  // Shows an error message above what is open.
  void fail(const QString& message);

  // Restores the default size and place of all panels.
  void resetLayout();

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void connectDocument();
  void connectFiles();
  void connectLook();
  void connectCapture();
  void connectResults();
  void connectScreens();
  void chooseFile();
  void openExample();
  void closeTrace();
  void showTrace();
  void showNoTrace();
  void showAnswer();
  void showFigure(const QString& kind);
  void failToOpen(const QString& message);
  void warn(const QString& message);
  void showWarnings();
  void setMapOnly(bool only);
  void savePages();
  void raiseFirstPages();
  void updateStatus();

  ExplorerSettings& m_settings;
  ThemeSwitch* m_theme;
  views::ReadingThread m_thread;
  views::Document m_document;
  views::TraceShelf m_shelf;
  views::Selection m_selection;
  WindowActions m_actions;
  views::MessageBar* m_message;
  views::StartPage* m_start;
  views::ResultsPage* m_results_page;
  RecentFiles* m_recent;
  WindowPages* m_pages;
  ViewKeeper* m_views;
  WindowScreens* m_screens;
  WindowNotes* m_notes;
  WindowTraces* m_traces;
  QLabel *m_status, *m_progress;
  WindowCapture* m_capture;
  WindowResults* m_results;
  QString m_opening, m_failure, m_warnings, m_comparison_warning;
};

}  // namespace kvatlas::app
