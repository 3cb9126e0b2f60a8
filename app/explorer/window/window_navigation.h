// The actions of the menu that move the selection: layer, head, position, and the two runs that are compared.
#pragma once

class QWidget;

namespace kvatlas::views {
class Document;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

struct WindowActions;

// All of them must outlive the window.
void connectNavigation(QWidget& window, const WindowActions& actions, const views::Document& document,
                       views::Selection& selection);

}  // namespace kvatlas::app
