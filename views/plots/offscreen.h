// An application without a display for drawing figures where none runs yet; knows no plot.
#pragma once

namespace kvatlas::views {

// Does nothing when a QApplication exists. Otherwise starts one on the "offscreen" platform, with a fixed hash seed so
// that two runs write the same bytes. Call from the main thread.
void ensureApplication();

}  // namespace kvatlas::views
