#include "views/models/map/cell_values.h"

#include <algorithm>

#include "core/analysis/exact_tile.h"
#include "kernels/log2_codec.h"
#include "views/models/map/signal_row.h"

namespace kvatlas::views {
namespace {

// Up to this many keys over all heads, recompute the cursor's whole row; above, only the pair.
constexpr std::size_t kRowLimit = std::size_t{1} << 19;

struct Question {
  const trace::Reader& reader;
  LayerIndex layer;
  HeadChoice choice;
  TokenIndex query, key;
  std::size_t first = 0;  // the first key the query sees

  [[nodiscard]] std::vector<HeadIndex> heads() const { return headsOf(choice, reader.header().model); }
};

// Probabilities of keys [begin, end) from the stored queries and keys.
std::vector<float> exactRow(const Question& q, std::size_t begin, std::size_t end) {
  std::vector<std::vector<float>> rows;
  for (const HeadIndex head : q.heads()) {
    const analysis::TileRequest request{q.layer, head, {q.query, q.query + 1}, {begin, end}};
    rows.push_back(analysis::exactTile(q.reader, request).cells);
  }
  return joinHeads(q.choice, rows);
}

// The query's recorded row over all keys; empty unless it is one of the last W.
std::vector<float> windowRow(const Question& q) {
  const std::size_t tokens = q.reader.tokens(), window = q.reader.header().attention.window;
  if (q.query + window < tokens || window == 0) return {};
  std::vector<std::vector<float>> rows;
  for (const HeadIndex head : q.heads()) {
    auto row = q.reader.windowRow(q.layer, head, q.query + window - tokens);
    if (!row) return {};
    rows.push_back(std::move(*row));
  }
  return joinHeads(q.choice, rows);
}

void setFromRow(CellValues& values, const std::vector<float>& row, std::size_t at) {
  values.probability = row[at];
  values.rank = rankOf(row, at);
}

void setFromMapCell(CellValues& values, const Question& q, trace::Reduction reduction) {
  if (q.reader.header().attention.cells.empty()) return;
  const std::uint64_t cell = q.reader.header().attention.cells.front();
  std::vector<std::vector<float>> cells;
  for (const HeadIndex head : q.heads()) {
    const auto code = q.reader.mapTile(q.layer, head, reduction, 0, q.query / cell, q.key / cell, 1, 1);
    if (!code) return;
    cells.emplace_back(1);
    kernels::decodeLog2(code->data(), cells.back().data(), 1);
  }
  values.source = cell == 1 ? CellValues::Exact : CellValues::MapCell;
  values.cell_tokens = cell;
  values.probability = joinHeads(q.choice, cells).front();
}

}  // namespace

namespace {

// Means of the finest map cells, one value for each token of a cell.
std::vector<float> mapRow(const Question& q, std::uint64_t cell) {
  const std::size_t cells = q.query / cell + 1;
  std::vector<std::vector<float>> rows;
  for (const HeadIndex head : q.heads()) {
    const auto codes = q.reader.mapTile(q.layer, head, trace::Reduction::Mean, 0, q.query / cell, 0, 1, cells);
    if (!codes) return {};
    rows.emplace_back(cells);
    kernels::decodeLog2(codes->data(), rows.back().data(), cells);
  }
  const std::vector<float> joined = joinHeads(q.choice, rows);
  std::vector<float> tokens(std::size_t{q.query} + 1);
  for (std::size_t token = 0; token < tokens.size(); ++token) tokens[token] = joined[token / cell];
  return tokens;
}

}  // namespace

QueryRow readQueryRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice, TokenIndex query) {
  QueryRow row;
  const std::uint64_t sliding = reader.header().model.sliding_window;
  Question q{reader, layer, choice, query, query};
  if (sliding > 0 && query + 1 > sliding) q.first = query + 1 - sliding;
  if (!reader.hasLayer(layer) || query >= reader.tokens()) return row;
  const std::size_t visible = std::size_t{query} + 1 - q.first;
  if (analysis::hasExactTiles(reader, layer) && q.heads().size() * visible <= kRowLimit) {
    row.source = CellValues::Exact;
    row.probabilities.assign(q.first, 0.0F);
    const std::vector<float> exact = exactRow(q, q.first, std::size_t{query} + 1);
    row.probabilities.insert(row.probabilities.end(), exact.begin(), exact.end());
  } else if (row.probabilities = windowRow(q); !row.probabilities.empty()) {
    row.source = CellValues::WindowRow;
  } else if (!reader.header().attention.cells.empty()) {
    row.cell_tokens = reader.header().attention.cells.front();
    row.probabilities = mapRow(q, row.cell_tokens);
    row.source = row.probabilities.empty() ? CellValues::NotCaptured : CellValues::MapCell;
  }
  if (!row.probabilities.empty()) row.probabilities.resize(reader.tokens(), 0.0F);
  return row;
}

CellValues readCell(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice, trace::Reduction reduction,
                    TokenIndex query, TokenIndex key) {
  CellValues values;
  const std::uint64_t sliding = reader.header().model.sliding_window;
  Question q{reader, layer, choice, query, key};
  if (sliding > 0 && query + 1 > sliding) q.first = query + 1 - sliding;
  values.visible = query + 1 - q.first;
  if (!reader.hasLayer(layer)) return values;
  if (const auto entropy = signalAt(reader, layer, choice, trace::Signal::Entropy, query)) values.entropy = *entropy;
  if (key > query || key < q.first) {
    values.source = CellValues::Masked;
  } else if (analysis::hasExactTiles(reader, layer)) {
    values.source = CellValues::Exact;
    if (q.heads().size() * values.visible <= kRowLimit) {
      setFromRow(values, exactRow(q, q.first, std::size_t{query} + 1), key - q.first);
    } else {
      values.probability = exactRow(q, key, std::size_t{key} + 1).front();
    }
  } else if (const std::vector<float> row = windowRow(q); !row.empty()) {
    values.source = CellValues::WindowRow;
    setFromRow(values, row, key);
  } else {
    setFromMapCell(values, q, reduction);
  }
  return values;
}

}  // namespace kvatlas::views
