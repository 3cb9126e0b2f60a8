// Waits, with the event loop running, until a window has drawn all it was going to draw; knows the window only.
#pragma once

namespace kvatlas::app {

class MainWindow;

// False when it has not come to rest in ten seconds.
bool settle(MainWindow& window);

}  // namespace kvatlas::app
