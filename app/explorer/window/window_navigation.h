// Connects what changes the selection from the menus and panels: layer, head, position, a span, the two compared runs.
#pragma once

class QWidget;

namespace kvatlas::views {
class Document;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

class WindowPages;
struct WindowActions;

// All arguments must outlive the window.
void connectNavigation(QWidget& window, const WindowActions& actions, WindowPages& pages,
                       const views::Document& document, views::Selection& selection);

}  // namespace kvatlas::app
