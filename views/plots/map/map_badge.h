// What a map says about itself in its corner: layer, head, reduction, and what stands against what; so that no picture
// of it goes without. Knows the picture, no document.
#pragma once

#include <qcustomplot.h>

#include "views/models/map/map_picture.h"

namespace kvatlas::views {

struct BadgeLine {
  QString text;
  std::optional<Rgb> swatch;  // a colour of the map that the line explains
};

// `detail`: the level of detail in words, as MapPlottable::detailText.
[[nodiscard]] std::vector<BadgeLine> badgeOf(const MapPicture& picture, const QString& detail,
                                             const ShadeColours& shades);
// Into the top right corner of `beside`, where nothing of the map is, in more and shorter lines; without room there
// into that of `area`; nowhere without room there either.
void drawBadge(QCPPainter& painter, const QRect& area, const QRect& beside, const std::vector<BadgeLine>& lines,
               Theme theme);

}  // namespace kvatlas::views
