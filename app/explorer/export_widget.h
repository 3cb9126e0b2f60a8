// The plots of a part of the window as one picture: PNG at twice the screen's resolution, PDF and SVG with vector axes
// and lossless maps. Knows plots only.
#pragma once

#include <QString>

class QWidget;

namespace kvatlas::app {

// By the ending of the name; written whole or not at all. UsageError for another ending, Error for a failed write.
void exportWidget(QWidget& widget, const QString& path);

}  // namespace kvatlas::app
