#include "views/models/map/tile_reader.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/analysis/exact_tile.h"
#include "core/trace/schema.h"
#include "kernels/log2_codec.h"
#include "views/models/map/code_table.h"

namespace kvatlas::views {
namespace {

using kernels::TokenRange;

constexpr std::uint64_t kWidestExactCell = 16;

// A run of whole cells; the last cell of an axis may be partial.
struct AxisPart {
  TokenRange tokens;
  std::size_t cells = 0, first = 0;  // `first`: its index in the tile
};

std::vector<AxisPart> partsOf(std::uint64_t begin, std::size_t cells, std::uint64_t cell, std::uint64_t tokens) {
  const std::uint64_t end = std::min(begin + cells * cell, tokens), whole = (end - begin) / cell;
  std::vector<AxisPart> parts;
  if (whole > 0) parts.push_back({{begin, begin + whole * cell}, whole, 0});
  if (begin + whole * cell < end) parts.push_back({{begin + whole * cell, end}, 1, whole});
  return parts;
}

void place(const analysis::ExactTile& part, const AxisPart& rows, const AxisPart& columns, std::size_t stride,
           std::vector<float>& cells) {
  for (std::size_t row = 0; row < part.rows; ++row)
    for (std::size_t column = 0; column < part.columns; ++column) {
      const float value = part.cells[row * part.columns + column];
      cells[(rows.first + row) * stride + columns.first + column] = kernels::isMasked(value) ? 0 : value;
    }
}

std::vector<std::uint16_t> exactCodes(const trace::Reader& reader, const TilePyramid& pyramid, const TileKey& key,
                                      HeadIndex head, const RawTile& size) {
  const std::uint64_t cell = pyramid.cells[key.level];
  std::vector<float> cells(std::size_t{size.rows} * size.columns);
  for (const AxisPart& rows : partsOf(key.row * kTileSide * cell, size.rows, cell, pyramid.tokens)) {
    for (const AxisPart& columns : partsOf(key.column * kTileSide * cell, size.columns, cell, pyramid.tokens)) {
      const analysis::TileRequest request{key.layer, head, rows.tokens, columns.tokens};
      place(analysis::pooledTile(reader, request, {rows.cells, columns.cells}, key.reduction), rows, columns,
            size.columns, cells);
    }
  }
  std::vector<std::uint16_t> codes(cells.size());
  kernels::encodeLog2(cells.data(), codes.data(), cells.size());
  return codes;
}

std::optional<std::vector<std::uint16_t>> codesOf(const trace::Reader& reader, const TilePyramid& pyramid,
                                                  const TileKey& key, HeadIndex head, const RawTile& size) {
  if (key.level < pyramid.exact_levels) return exactCodes(reader, pyramid, key, head, size);
  return reader.mapTile(key.layer, head, key.reduction, key.level - pyramid.exact_levels, key.row * kTileSide,
                        key.column * kTileSide, size.rows, size.columns);
}

std::vector<std::uint16_t> largestOf(const std::vector<std::vector<std::uint16_t>>& heads) {
  std::vector<std::uint16_t> result = heads.front();
  for (const std::vector<std::uint16_t>& head : heads)
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = std::max(result[i], head[i]);
  return result;
}

std::vector<std::uint16_t> meanOf(const std::vector<std::vector<std::uint16_t>>& heads) {
  const std::vector<float>& decode = probabilityOfCode();
  std::vector<float> sum(heads.front().size(), 0.0F);
  for (const std::vector<std::uint16_t>& head : heads)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += decode[head[i]];
  const float share = 1.0F / static_cast<float>(heads.size());
  for (float& value : sum) value *= share;
  std::vector<std::uint16_t> codes(sum.size());
  kernels::encodeLog2(sum.data(), codes.data(), sum.size());
  return codes;
}

}  // namespace

TilePyramid pyramidOf(const trace::TraceHeader& header, LayerIndex layer) {
  TilePyramid pyramid{header.prompt.ids.size(), header.model.sliding_window, {}, 0};
  const trace::AttentionPlan& plan = header.attention;
  if (std::find(plan.layers.begin(), plan.layers.end(), layer) == plan.layers.end()) return pyramid;
  const std::uint64_t finest = plan.cells.empty() ? kWidestExactCell * 2 : plan.cells.front();
  if (trace::schema::keepsQk(plan, layer))
    for (std::uint64_t cell = 1; cell < finest && cell <= kWidestExactCell; cell *= 2) pyramid.cells.push_back(cell);
  pyramid.exact_levels = pyramid.cells.size();
  pyramid.cells.insert(pyramid.cells.end(), plan.cells.begin(), plan.cells.end());
  return pyramid;
}

RawTile readTile(const trace::Reader& reader, const TilePyramid& pyramid, const TileKey& key) {
  const std::size_t side = pyramid.side(key.level);
  RawTile raw;
  raw.rows = static_cast<std::uint32_t>(std::min(kTileSide, side - key.row * kTileSide));
  raw.columns = static_cast<std::uint32_t>(std::min(kTileSide, side - key.column * kTileSide));
  for (const HeadIndex head : headsOf(key.head, reader.header().model)) {
    auto codes = codesOf(reader, pyramid, key, head, raw);
    if (!codes) return {raw.rows, raw.columns, {}};
    raw.heads.push_back(std::move(*codes));
  }
  return raw;
}

TilePointer joinTile(RawTile raw, const HeadChoice& head) {
  auto tile = std::make_shared<Tile>();
  tile->rows = raw.rows;
  tile->columns = raw.columns;
  if (raw.heads.empty())
    tile->state = Tile::State::NotCaptured;
  else if (raw.heads.size() == 1)
    tile->codes = std::move(raw.heads.front());
  else
    tile->codes = head.max() ? largestOf(raw.heads) : meanOf(raw.heads);
  return tile;
}

}  // namespace kvatlas::views
