// `kvatlas export FILE tile`: exact cells of one head's attention matrix as CSV or JSON.
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

// A line of query, key, value for every visible pair; masked pairs have none. UsageError for options that are missing
// or outside the trace; Error when queries and keys were not recorded.
[[nodiscard]] std::string exportTile(const trace::Reader& reader, const TileExport& tile, bool csv);

}  // namespace kvatlas::app
