// What is on screen as a file or picture: plots drawn anew at the printed size, not copied. Knows widgets only.
#pragma once

#include <QImage>
#include <QString>
#include <QWidget>

namespace kvatlas::app {

// At a printed width; dots per inch matter to PNG only. The height follows from the widget's shape.
struct PrintSize {
  double width_inches = 6.9;
  int dpi = 300;
};

// Writes PNG, PDF or SVG by the ending, all or nothing. Error names the file.
void exportWidget(QWidget& widget, const QString& path, const PrintSize& size);
// The same picture for a preview or the clipboard.
[[nodiscard]] QImage drawWidget(QWidget& widget, const PrintSize& size);

}  // namespace kvatlas::app
