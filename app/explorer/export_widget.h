// Exports a widget to a file or an image: redraws its plots at printed size instead of copying pixels.
#pragma once

#include <QImage>
#include <QString>
#include <QWidget>

namespace kvatlas::app {

// Printed width; only PNG uses dpi. The height follows from the widget's aspect ratio.
struct PrintSize {
  double width_inches = 6.9;
  int dpi = 300;
};

// Writes PNG, PDF or SVG by the file extension, atomically. Error names the file.
void exportWidget(QWidget& widget, const QString& path, const PrintSize& size);
// The same picture for a preview or the clipboard.
[[nodiscard]] QImage drawWidget(QWidget& widget, const PrintSize& size);

}  // namespace kvatlas::app
