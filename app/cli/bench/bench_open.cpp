#include <fmt/format.h>

#include <algorithm>

#include "app/cli/bench/bench_capture.h"
#include "app/cli/bench/child_run.h"
#include "core/analysis/exact_tile.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

struct Row {
  std::string what;
  std::function<void()> work;
};

LayerIndex recordedLayer(const trace::Reader& reader) {
  for (const LayerIndex layer : reader.header().attention.layers)
    if (reader.hasLayer(layer)) return layer;
  fail("{}: has no recorded layer", reader.path().string());
}

// The last 512 queries against the keys in the middle: all visible without a sliding window.
analysis::TileRequest someTile(const trace::Reader& reader, LayerIndex layer) {
  const auto tokens = static_cast<std::size_t>(reader.tokens());
  const std::size_t side = std::min<std::size_t>(512, tokens), first = (tokens - side) / 2;
  return {layer, HeadIndex(), {tokens - side, tokens}, {first, first + side}};
}

}  // namespace

void benchOpen(const BenchArguments& arguments) {
  if (arguments.file.empty()) failUsage("bench open needs a trace file");
  const trace::Reader reader(arguments.file);
  const LayerIndex layer = recordedLayer(reader);
  const auto& attention = reader.header().attention;
  std::vector<Row> rows{
      {"open", [&] { (void)trace::Reader(arguments.file); }},
      {"one signal of one head", [&] { (void)reader.signalOfHead(layer, trace::Signal::Received, HeadIndex()); }}};
  if (!attention.cells.empty()) {
    const std::uint64_t side = (reader.tokens() + attention.cells.front() - 1) / attention.cells.front();
    const auto cells = static_cast<std::size_t>(std::min<std::uint64_t>(256, side));
    rows.push_back({fmt::format("{}×{} cells of a map", cells, cells), [&reader, layer, cells] {
                      (void)reader.mapTile(layer, HeadIndex(), trace::Reduction::Mean, 0, 0, 0, cells, cells);
                    }});
  }
  if (analysis::hasExactTiles(reader, layer)) {
    const analysis::TileRequest request = someTile(reader, layer);
    rows.push_back({fmt::format("exact tile {}×{}", analysis::length(request.queries), analysis::length(request.keys)),
                    [&reader, request] { (void)analysis::exactTile(reader, request); }});
  }
  std::vector<std::function<void()>> works;
  for (const Row& row : rows) works.push_back(row.work);
  const auto seconds = interleave(works, arguments.repeat, Clock::Wall);
  printMachine(fmt::format("{:.0f} MB, {} tokens, {} layers; {} rounds (medians), file in memory",
                           static_cast<double>(std::filesystem::file_size(arguments.file)) / 1e6, reader.tokens(),
                           attention.layers.size(), arguments.repeat));
  fmt::print("| from a trace | milliseconds |\n|---|---|\n");
  for (std::size_t i = 0; i < rows.size(); ++i) fmt::print("| {} | {:.3f} |\n", rows[i].what, 1e3 * median(seconds[i]));
  printLoad();
}

}  // namespace kvatlas::app
