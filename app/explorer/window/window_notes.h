// The notes of the open trace in the window: bookmarks, named spans, the expected answer, and where they are stored.
#pragma once

#include <QObject>

#include "core/base/ids.h"

class QWidget;

namespace kvatlas::app {

class ExplorerSettings;
class ViewKeeper;
class WindowPages;
struct WindowActions;

class WindowNotes : public QObject {
  Q_OBJECT

 public:
  // All arguments must outlive it.
  WindowNotes(QWidget& window, const WindowActions& actions, WindowPages& pages, ViewKeeper& keeper,
              ExplorerSettings& settings);

  // Where the notes of the trace that has opened go. `bundled`: never into the trace.
  void choosePlace(bool bundled);

 signals:
  void failed(const QString& message);

 private:
  void connectBookmarks(const WindowActions& actions, ViewKeeper& keeper);
  void nameSpan(TokenIndex begin, TokenIndex end);
  void enterAnswer();

  QWidget& m_window;
  WindowPages& m_pages;
  ExplorerSettings& m_settings;
  bool m_bundled = false;
};

}  // namespace kvatlas::app
