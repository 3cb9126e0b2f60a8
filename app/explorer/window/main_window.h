// The window of the Explorer: joins document, pages, menus and the capture's child process, and knows what is where.
// What a page shows is the page's business.
#pragma once

#include <QMainWindow>
#include <memory>

#include "app/explorer/window/window_actions.h"
#include "views/models/document/document.h"
#include "views/models/document/selection.h"

class QLabel;
class QStackedWidget;

namespace kvatlas::views {
class MessageBar;
class StartPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;
class RecentFiles;
class ThemeSwitch;
class ViewKeeper;
class WindowCapture;
class WindowPages;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(ExplorerSettings& settings, QWidget* parent = nullptr);
  ~MainWindow() override;

  // Answers in the window: the trace, or a message above what was open before.
  void openFile(const QString& path);
  [[nodiscard]] views::Document& document() { return m_document; }
  [[nodiscard]] views::Selection& selection() { return m_selection; }
  [[nodiscard]] WindowActions& actions() { return m_actions; }
  [[nodiscard]] ThemeSwitch& theme() { return *m_theme; }
  [[nodiscard]] WindowPages& pages() { return *m_pages; }
  [[nodiscard]] ViewKeeper& viewKeeper() { return *m_views; }
  [[nodiscard]] QString message() const;  // of the bar; empty: none
  [[nodiscard]] bool busy() const;        // something that will be drawn is still being read

  // Size and place of all panels as they are on a first start.
  void resetLayout();

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void closeEvent(QCloseEvent* event) override;

 private:
  void connectDocument();
  void connectActions();
  void connectPages();
  void connectCapture();
  void chooseFile();
  void openExample();
  void closeTrace();
  void chooseOther();
  void showFigure(const QString& kind);
  void showTrace();
  void showNoTrace();
  void failToOpen(const QString& message);
  void warn(const QString& message);
  void showWarnings();
  void chooseNotesPlace();
  void updateStatus();

  ExplorerSettings& m_settings;
  ThemeSwitch* m_theme;
  views::ReadingThread m_thread;
  views::Document m_document;
  views::Selection m_selection;
  WindowActions m_actions;
  views::MessageBar* m_message;
  QStackedWidget* m_stack;
  views::StartPage* m_start;
  RecentFiles* m_recent;
  WindowPages* m_pages;
  ViewKeeper* m_views;
  QLabel *m_status, *m_progress;
  WindowCapture* m_capture;
  QByteArray m_first_layout;
  QString m_opening, m_warnings;
};

}  // namespace kvatlas::app
