// The visible cells of a map as CSV, for spreadsheets and scripts.
#pragma once

#include <string>

#include "views/models/map/map_picture.h"

namespace kvatlas::views {

// CSV: one line per row of cells, starting with its first query; the header has the quantity, then the first key of
// each column. Uses the level of detail drawn at `tokens_per_pixel`. Masked pairs are empty; pairs not captured or not
// loaded are "nan". For two maps: A − B or log₂(A / B) as shown; in split mode, B is mirrored above
// the diagonal. An empty string if there is no map.
[[nodiscard]] std::string mapTable(const MapPicture& picture, const TokenWindow& window, double tokens_per_pixel);

}  // namespace kvatlas::views
