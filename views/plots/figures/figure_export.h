// Writes a figure as PDF, SVG or PNG at its printed size; the same input gives the same bytes.
#pragma once

#include <QByteArray>
#include <filesystem>
#include <string>

#include "views/plots/canvas.h"

namespace kvatlas::views {

enum class FigureFormat { Pdf, Svg, Png };

struct ExportSettings {
  double dpi = 300;     // PNG only
  std::string title;    // document title
  std::string created;  // ISO 8601; the date in a PDF, so that the bytes do not depend on the clock
};

// From the file extension; UsageError for an unknown one.
[[nodiscard]] FigureFormat formatOf(const std::filesystem::path& path);

// Vector axes and text with embedded fonts, lossless images (Flate; PNG inside SVG). Page, viewBox and pHYs match the
// figure's size exactly.
[[nodiscard]] QByteArray renderFigure(Canvas& canvas, FigureFormat format, const ExportSettings& settings);

}  // namespace kvatlas::views
