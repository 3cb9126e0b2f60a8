// Connects the menu actions that change the selection: layer, head, position, and the two compared runs.
#pragma once

class QWidget;

namespace kvatlas::views {
class Document;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

struct WindowActions;

// All arguments must outlive the window.
void connectNavigation(QWidget& window, const WindowActions& actions, const views::Document& document,
                       views::Selection& selection);

}  // namespace kvatlas::app
