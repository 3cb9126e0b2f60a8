#include "views/pages/pair_facts.h"

#include <algorithm>
#include <cmath>

#include "core/analysis/exact_tile.h"

namespace kvatlas::views {
namespace {

using Rows = std::vector<std::vector<float>>;

std::size_t rankOf(const std::vector<float>& values, std::size_t index) {
  return 1 +
         static_cast<std::size_t>(std::ranges::count_if(values, [&](float value) { return value > values[index]; }));
}

// One row of every head; empty where it was not kept.
Rows rowsOf(const trace::Reader& reader, LayerIndex layer, const std::vector<HeadIndex>& heads, std::uint64_t query) {
  Rows rows;
  const std::uint64_t tokens = reader.tokens(),
                      window = std::min<std::uint64_t>(tokens, reader.header().attention.window);
  for (const HeadIndex head : heads) {
    if (query + window >= tokens) {
      const auto all = reader.windowRows(layer, head);
      if (!all) return {};
      const auto begin = all->begin() + static_cast<std::ptrdiff_t>((query + window - tokens) * tokens);
      rows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(tokens));
    } else if (analysis::hasExactTiles(reader, layer)) {
      auto tile =
          analysis::exactTile(reader, {layer, head, {query, query + 1}, {0, tokens}, kernels::TileValue::kProbability});
      for (float& value : tile.cells)
        if (std::isnan(value)) value = 0;
      rows.push_back(std::move(tile.cells));
    } else {
      return {};
    }
  }
  return rows;
}

Rows signalRows(const trace::Reader& reader, LayerIndex layer, const std::vector<HeadIndex>& heads,
                trace::Signal signal) {
  Rows rows;
  for (const HeadIndex head : heads) {
    auto row = reader.signalOfHead(layer, signal, head);
    if (!row) return {};
    rows.push_back(std::move(*row));
  }
  return rows;
}

void readCell(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head, trace::Reduction reduction,
              PairFacts& facts) {
  const auto& cells = reader.header().attention.cells;
  if (cells.empty()) return;
  const std::size_t row = facts.cell.query / cells.front(), column = facts.cell.key / cells.front();
  Rows values;
  for (const HeadIndex one : headsOf(head, reader.header().model)) {
    const auto code = reader.mapTile(layer, one, reduction, 0, row, column, 1, 1);
    if (!code || code->empty()) return;
    values.push_back(
        {code->front() == 0 ? 0.0F : static_cast<float>(std::exp2((code->front() - 1) / 65534.0 * 32 - 32))});
  }
  facts.cell_value = static_cast<double>(joinHeads(head, values).front());
  facts.cell_tokens = cells.front();
}

}  // namespace

PairFacts readPair(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head, trace::Reduction reduction,
                   Cell cell) {
  PairFacts facts{.cell = cell, .probability = {}, .cell_value = {}, .received = {}, .entropy = {}};
  if (!reader.hasLayer(layer) || cell.query >= reader.tokens() || cell.key >= reader.tokens()) return facts;
  const std::vector<HeadIndex> heads = headsOf(head, reader.header().model);
  if (const Rows rows = rowsOf(reader, layer, heads, cell.query); !rows.empty()) {
    const std::vector<float> row = joinHeads(head, rows);
    facts.probability = static_cast<double>(row[cell.key]);
    facts.rank = rankOf(row, cell.key);
  } else {
    readCell(reader, layer, head, reduction, facts);
  }
  if (const Rows rows = signalRows(reader, layer, heads, trace::Signal::Received); !rows.empty()) {
    const std::vector<float> received = joinHeads(head, rows);
    facts.received = static_cast<double>(received[cell.key]);
    facts.received_rank = rankOf(received, cell.key);
  }
  if (const Rows rows = signalRows(reader, layer, heads, trace::Signal::Entropy); !rows.empty())
    facts.entropy = static_cast<double>(joinHeads(head, rows)[cell.query]);
  return facts;
}

}  // namespace kvatlas::views
