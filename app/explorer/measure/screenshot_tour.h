// Screenshots of every page with a trace, light and dark, at several sizes, for the documentation and for review.
#pragma once

#include <QString>

namespace kvatlas::app {

// Runs off screen; the same build gives the same bytes. An empty `trace`: the bundled example. Error names a file that
// cannot be read or written.
void runScreenshotTour(const QString& folder, const QString& trace = {});

}  // namespace kvatlas::app
