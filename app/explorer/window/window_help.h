// The dialogs of the Help menu: shortcuts, glossary and About.
#pragma once

class QWidget;

namespace kvatlas::app {

struct WindowActions;

void showKeys(QWidget& window, const WindowActions& actions);
// The field's words as the window uses them, in a window of its own.
void showGlossary(QWidget& window);
void showAbout(QWidget& window);

}  // namespace kvatlas::app
