// A QApplication without a display, for drawing figures from the command line.
#pragma once

namespace kvatlas::views {

// Does nothing if a QApplication exists. Otherwise starts one on the "offscreen" platform, with a fixed hash seed for
// reproducible bytes. Call from the main thread.
void ensureApplication();

}  // namespace kvatlas::views
