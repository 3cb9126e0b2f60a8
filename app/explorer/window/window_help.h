// The dialogs of the Help menu: shortcuts, manual and About.
#pragma once

class QWidget;

namespace kvatlas::app {

struct WindowActions;

void showKeys(QWidget& window, const WindowActions& actions);
// The manual's pages from this computer, with their links and pictures.
void showManual(QWidget& window);
void showAbout(QWidget& window);
// Connects the entries of the menu but the welcome page. `actions` must outlive the window.
void connectHelp(QWidget& window, const WindowActions& actions);

}  // namespace kvatlas::app
