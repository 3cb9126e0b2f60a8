// The dialogs of the Help menu: shortcuts and About.
#pragma once

class QWidget;

namespace kvatlas::app {

struct WindowActions;

void showKeys(QWidget& window, const WindowActions& actions);
void showAbout(QWidget& window);

}  // namespace kvatlas::app
