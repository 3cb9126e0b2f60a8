// The cells of a map that are in sight as a table of text, for spreadsheets and scripts. Knows no view.
#pragma once

#include <string>

#include "views/models/map/map_picture.h"

namespace kvatlas::views {

// CSV: a row for each row of cells, begun by its first query; the first line holds the first key of each column, and in
// its corner what the numbers are. Cells of the level that is drawn at `tokens_per_pixel`. A pair that attention cannot
// see is empty, one that was not captured or is not read yet is "nan". Of two maps: A − B or log₂(A / B) as shown;
// split at the diagonal, B stands mirrored above it. Empty where there is no map.
[[nodiscard]] std::string mapTable(const MapPicture& picture, const TokenWindow& window, double tokens_per_pixel);

}  // namespace kvatlas::views
