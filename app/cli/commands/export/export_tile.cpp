#include "app/cli/commands/export/export_tile.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <string_view>

#include "core/analysis/exact_tile.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

using kernels::TileValue;
using kernels::TokenRange;

constexpr std::size_t kMostCells = std::size_t{1} << 24;  // half a gigabyte of text

struct As {
  const char* name;
  TileValue value;
};
constexpr std::array kValues{As{"probability", TileValue::kProbability}, As{"logit", TileValue::kLogit},
                             As{"log", TileValue::kLogProbability}};

bool parseEnd(std::string_view text, std::size_t& value) {
  if (text.empty()) return true;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

TokenRange parseRange(const char* option, const std::string& text, std::size_t tokens) {
  TokenRange range{0, tokens};
  if (text.empty()) return range;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || !parseEnd(text.substr(0, colon), range.begin) ||
      !parseEnd(text.substr(colon + 1), range.end))
    failUsage("{} {}: expected first:end, token positions counted from 0", option, text);
  return range;
}

TileValue valueOf(const std::string& name) {
  for (const As& one : kValues)
    if (name == one.name) return one.value;
  failUsage("--as {}: expected probability, logit or log", name);
}

std::string write(const analysis::ExactTile& tile, const analysis::TileRequest& request, bool csv) {
  std::string text = csv ? "query,key,value\n" : "[";
  auto out = std::back_inserter(text);
  const char* separator = "\n";
  for (std::size_t i = 0; i < tile.cells.size(); ++i) {
    if (kernels::isMasked(tile.cells[i])) continue;
    const std::size_t query = request.queries.begin + i / tile.columns, key = request.keys.begin + i % tile.columns;
    if (csv) {
      fmt::format_to(out, "{},{},{}\n", query, key, tile.cells[i]);
    } else {
      fmt::format_to(out, "{} {{\"query\": {}, \"key\": {}, \"value\": {}}}", separator, query, key, tile.cells[i]);
      separator = ",\n";
    }
  }
  return csv ? text : text + "\n]\n";
}

}  // namespace

void addTileOptions(CLI::App& command, TileExport& tile) {
  command.add_option("--queries", tile.queries, "tile: rows first:end (default: all)");
  command.add_option("--keys", tile.keys, "tile: columns first:end (default: all)");
  command.add_option("--as", tile.as, "tile: probability, logit or log")->capture_default_str();
}

std::string exportTile(const trace::Reader& reader, const TileExport& tile, bool csv) {
  if (tile.layer < 0 || tile.head < 0) failUsage("export tile needs --layer and --head");
  const auto tokens = static_cast<std::size_t>(reader.tokens());
  const analysis::TileRequest request{
      LayerIndex(static_cast<std::size_t>(tile.layer)), HeadIndex(static_cast<std::size_t>(tile.head)),
      parseRange("--queries", tile.queries, tokens), parseRange("--keys", tile.keys, tokens), valueOf(tile.as)};
  const bool valid = request.queries.begin < request.queries.end && request.keys.begin < request.keys.end;
  if (valid && analysis::length(request.queries) > kMostCells / analysis::length(request.keys))
    failUsage("export tile: {} queries × {} keys are more than {} cells: choose smaller --queries or --keys",
              analysis::length(request.queries), analysis::length(request.keys), kMostCells);
  return write(analysis::exactTile(reader, request, 0), request, csv);
}

}  // namespace kvatlas::app
