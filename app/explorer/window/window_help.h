// What the Help menu shows beside the tour; knows the actions' words and keys.
#pragma once

class QWidget;

namespace kvatlas::app {

struct WindowActions;

void showKeys(QWidget& window, const WindowActions& actions);
void showAbout(QWidget& window);

}  // namespace kvatlas::app
