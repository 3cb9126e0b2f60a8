// Screenshots of every page with the example trace, light and dark, for the documentation and for review.
#pragma once

#include <QString>

namespace kvatlas::app {

// Runs off screen; the same build gives the same bytes. Error names the file it cannot write.
void runScreenshotTour(const QString& folder);

}  // namespace kvatlas::app
