// Pictures of every page, light and dark, of the example trace: for the documents, and to be looked at after a change.
#pragma once

#include <QString>

namespace kvatlas::app {

// Off screen; the same build gives the same bytes. Error names the file that cannot be written.
void runScreenshotTour(const QString& folder);

}  // namespace kvatlas::app
