// Connects the actions that copy to the clipboard and export the view.
#pragma once

class QWidget;

namespace kvatlas::app {

class ViewKeeper;
class WindowPages;
struct WindowActions;

// All arguments must outlive the window.
void connectCopies(QWidget& window, const WindowActions& actions, WindowPages& pages, const ViewKeeper& keeper);

}  // namespace kvatlas::app
