// The window of the Explorer: joins document, pages, menus and the capture's child process, and knows what is where.
// What a page shows is the page's business.
#pragma once

#include <QMainWindow>
#include <QPointer>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/explorer/capture_job.h"
#include "app/explorer/window_actions.h"
#include "views/models/document.h"
#include "views/models/selection.h"

class QLabel;
class QStackedWidget;

namespace kvatlas::views {
class MessageBar;
class StartPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class CaptureDialog;
class ExplorerSettings;
class ThemeSwitch;
class WindowPages;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(ExplorerSettings& settings, QWidget* parent = nullptr);
  ~MainWindow() override;

  // Answers in the window: the trace, or a message above what was open before.
  void openFile(const QString& path);
  // Shown once the next trace is open.
  void setViewState(const nlohmann::json& state) { m_view_state = state; }
  [[nodiscard]] nlohmann::json viewState();

  [[nodiscard]] views::Document& document() { return m_document; }
  [[nodiscard]] views::Selection& selection() { return m_selection; }
  [[nodiscard]] WindowActions& actions() { return m_actions; }
  [[nodiscard]] ThemeSwitch& theme() { return *m_theme; }
  [[nodiscard]] WindowPages& pages() { return *m_pages; }
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
  void connectCapture();
  void chooseFile();
  void openExample();
  void showCapture();
  void showViewState();
  void exportView();
  void showFigure(const QString& kind);
  void endCapture(CaptureJob::End end, const QString& message);
  void showTrace();
  void showNoTrace();
  void failToOpen(const QString& message);
  void fillRecent();
  void updateStatus();
  void showKeys();
  void showAbout();
  void goTo();

  ExplorerSettings& m_settings;
  ThemeSwitch* m_theme;
  views::ReadingThread m_thread;
  views::Document m_document;
  views::Selection m_selection;
  CaptureJob m_capture;
  WindowActions m_actions;
  views::MessageBar* m_message;
  QStackedWidget* m_stack;
  views::StartPage* m_start;
  WindowPages* m_pages;
  QLabel *m_status, *m_progress;
  QPointer<CaptureDialog> m_capture_dialog;
  QByteArray m_first_layout;
  QString m_opening;
  nlohmann::json m_view_state;
  bool m_follow_capture = false;  // open its part file as soon as there is one
};

}  // namespace kvatlas::app
