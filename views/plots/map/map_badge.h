// The caption in the corner of a map: layer, head, reduction, and what is compared; so that every picture of the map
// is labelled.
#pragma once

#include <qcustomplot.h>

#include "views/models/map/map_picture.h"

namespace kvatlas::views {

struct BadgeLine {
  QString text;
  std::optional<Rgb> swatch;  // the map colour that the line explains
};

// `detail`: the level of detail as text, from MapPlottable::detailText.
[[nodiscard]] std::vector<BadgeLine> badgeOf(const MapPicture& picture, const QString& detail,
                                             const ShadeColours& shades, EvictionStyle style = EvictionStyle::Dim);
// Draws in the top right corner of `beside`, the blank space outside the map, with shorter lines; if it does not fit,
// in the corner of `area`; if that is too small, not at all.
void drawBadge(QCPPainter& painter, const QRect& area, const QRect& beside, const std::vector<BadgeLine>& lines,
               Theme theme);

}  // namespace kvatlas::views
