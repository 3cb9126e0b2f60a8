// The three screens of the window: welcome page, trace, results. Title, menus and panels follow the one in front.
#pragma once

#include <QObject>

class QStackedWidget;
class QWidget;

namespace kvatlas::views {
class Document;
class ResultsPage;
class StartPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class WindowPages;
struct WindowActions;

class WindowScreens : public QObject {
  Q_OBJECT

 public:
  enum class Screen { Start, Trace, Results };
  struct Parts {
    views::StartPage& start;
    WindowPages& pages;
    views::ResultsPage& results;
    WindowActions& actions;
    const views::Document& document;
  };

  // All arguments must outlive it.
  WindowScreens(QWidget& window, const Parts& parts);

  [[nodiscard]] QStackedWidget& stack() const { return *m_stack; }
  [[nodiscard]] Screen shown() const;
  void show(Screen screen);
  // The results or what is behind them: the trace, or the welcome page.
  void showResults(bool shown);
  // Switches between the trace and the welcome page.
  void toggleStart();

 signals:
  void leavingTrace();  // the panels are still shown
  void changed();

 private:
  [[nodiscard]] QWidget* widgetOf(Screen screen) const;
  void showTitle(Screen screen);

  QWidget& m_window;
  Parts m_parts;
  QStackedWidget* m_stack;
};

}  // namespace kvatlas::app
