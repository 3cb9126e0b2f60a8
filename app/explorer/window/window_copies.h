// What the window puts on the clipboard and into picture files.
#pragma once

class QWidget;

namespace kvatlas::app {

class ViewKeeper;
class WindowPages;
struct WindowActions;

// All of them must outlive the window.
void connectCopies(QWidget& window, const WindowActions& actions, WindowPages& pages, const ViewKeeper& keeper);

}  // namespace kvatlas::app
