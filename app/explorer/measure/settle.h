// Runs the event loop until a window has drawn everything pending.
#pragma once

namespace kvatlas::app {

class MainWindow;

// False if the window is still busy after ten seconds.
bool settle(MainWindow& window);

}  // namespace kvatlas::app
