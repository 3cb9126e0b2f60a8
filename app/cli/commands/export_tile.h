// `kvatlas export FILE tile`: exact cells of one head's attention matrix as CSV or JSON; knows the analysis of tiles.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/trace/reader.h"

namespace kvatlas::app {

struct TileExport {
  int layer = -1, head = -1;
  std::string queries, keys;  // "a:b"; either end may be missing
  std::string as = "probability";
};

void addTileOptions(CLI::App& command, TileExport& tile);

// Lines of query, key, value for every pair that the query sees; masked pairs have no line. UsageError for options that
// are missing or outside the trace, Error where queries and keys were not kept.
[[nodiscard]] std::string exportTile(const trace::Reader& reader, const TileExport& tile, bool csv);

}  // namespace kvatlas::app
