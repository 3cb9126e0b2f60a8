// The list of traces in the window: adds files to it, and opens a listed trace in place of the open one.
#pragma once

#include <QObject>

class QWidget;

namespace kvatlas::views {
class Document;
class TraceShelf;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;
class ViewKeeper;
class WindowPages;
struct WindowActions;

class WindowTraces : public QObject {
  Q_OBJECT

 public:
  struct Parts {
    views::Document& document;
    views::TraceShelf& shelf;
    WindowPages& pages;
    ViewKeeper& keeper;
    const ExplorerSettings& settings;
  };

  // All parts must outlive it.
  WindowTraces(QWidget& window, const WindowActions& actions, const Parts& parts);

  // Lists the runs of the file beside those of the open trace; without one, asks to open it.
  void add(const QString& path);

 signals:
  void openRequested(const QString& path);
  void failed(const QString& message);

 private:
  void choose();
  void swapIn(const QString& path, int run);

  QWidget& m_window;
  Parts m_parts;
};

}  // namespace kvatlas::app
