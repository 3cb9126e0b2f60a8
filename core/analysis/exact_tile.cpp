#include "core/analysis/exact_tile.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "core/base/error.h"
#include "kernels/parallel.h"

namespace kvatlas::analysis {
namespace {

using kernels::TokenRange;

// Side of the blocks computed at once: one buffer of this side squared per thread.
constexpr std::size_t kBlock = 512;

TokenRange common(TokenRange a, TokenRange b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

// A token range divided into cells whose lengths differ by at most one.
class Axis {
 public:
  Axis(TokenRange range, std::size_t most) {
    const std::size_t cells = std::min(most, length(range));
    for (std::size_t cell = 0; cell <= cells; ++cell) m_edges.push_back(range.begin + cell * length(range) / cells);
  }
  [[nodiscard]] std::size_t cells() const { return m_edges.size() - 1; }
  [[nodiscard]] TokenRange tokens(TokenRange cells) const { return {m_edges[cells.begin], m_edges[cells.end]}; }

  // Groups of consecutive cells that fit into one block, at least one each.
  [[nodiscard]] std::vector<TokenRange> groups() const {
    std::vector<TokenRange> groups;
    for (std::size_t first = 0, last = 0; first < cells(); first = last) {
      last = first + 1;
      while (last < cells() && m_edges[last + 1] - m_edges[first] <= kBlock) ++last;
      groups.push_back({first, last});
    }
    return groups;
  }

 private:
  std::vector<std::size_t> m_edges;
};

// Sum and maximum of some values, with eight lanes in a fixed order.
struct Reduced {
  double sum = 0;
  float max = -std::numeric_limits<float>::infinity();
};

Reduced reduce(std::span<const float> values) {
  std::array<double, 8> lanes{};
  Reduced result;
  std::size_t i = 0;
  for (; i + lanes.size() <= values.size(); i += lanes.size())
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += static_cast<double>(values[i + lane]);
  for (; i < values.size(); ++i) lanes[0] += static_cast<double>(values[i]);
  for (const double lane : lanes) result.sum += lane;
  for (const float value : values) result.max = std::max(result.max, value);
  return result;
}

struct PooledCell : Reduced {
  std::size_t pairs = 0;

  void add(std::span<const float> values) {
    const Reduced more = reduce(values);
    sum += more.sum;
    max = std::max(max, more.max);
    pairs += values.size();
  }
  [[nodiscard]] float value(trace::Reduction reduction) const {
    if (pairs == 0) return kernels::kMaskedCell;
    return reduction == trace::Reduction::Max ? max : static_cast<float>(sum / static_cast<double>(pairs));
  }
};

// One task: the cells of some rows and columns of the grid.
class CellGroup {
 public:
  CellGroup(const TileSource& source, const Axis& rows, const Axis& columns, TokenRange row_cells,
            TokenRange column_cells)
      : m_source(source),
        m_rows(rows),
        m_columns(columns),
        m_row_cells(row_cells),
        m_column_cells(column_cells),
        m_cells(length(row_cells) * length(column_cells)) {}

  void compute() {
    const TokenRange queries = m_rows.tokens(m_row_cells), keys = m_columns.tokens(m_column_cells);
    std::vector<float> block(std::min(kBlock, length(queries)) * std::min(kBlock, length(keys)));
    for (std::size_t query = queries.begin; query < queries.end; query += kBlock) {
      for (std::size_t key = keys.begin; key < keys.end; key += kBlock) {
        const TokenRange some_queries{query, std::min(queries.end, query + kBlock)};
        const TokenRange some_keys{key, std::min(keys.end, key + kBlock)};
        if (!m_source.anyVisible(some_queries, some_keys)) continue;
        m_source.compute(some_queries, some_keys, block.data(), 1);
        addBlock(some_queries, some_keys, block);
      }
    }
  }

  void store(trace::Reduction reduction, ExactTile& tile) const {
    const PooledCell* cell = m_cells.data();
    for (std::size_t row = m_row_cells.begin; row < m_row_cells.end; ++row)
      for (std::size_t column = m_column_cells.begin; column < m_column_cells.end; ++column, ++cell)
        tile.cells[row * tile.columns + column] = cell->value(reduction);
  }

 private:
  void addBlock(TokenRange queries, TokenRange keys, std::span<const float> block) {
    for (std::size_t row = m_row_cells.begin; row < m_row_cells.end; ++row) {
      const TokenRange own = common(queries, m_rows.tokens({row, row + 1}));
      for (std::size_t query = own.begin; query < own.end; ++query) {
        addRow(row - m_row_cells.begin, m_source.visibleKeys(query, keys), keys.begin,
               block.subspan((query - queries.begin) * length(keys), length(keys)));
      }
    }
  }

  void addRow(std::size_t row, TokenRange visible, std::size_t first_key, std::span<const float> values) {
    for (std::size_t column = m_column_cells.begin; column < m_column_cells.end; ++column) {
      const TokenRange own = common(visible, m_columns.tokens({column, column + 1}));
      if (own.begin < own.end)
        m_cells[row * length(m_column_cells) + column - m_column_cells.begin].add(
            values.subspan(own.begin - first_key, length(own)));
    }
  }

  const TileSource& m_source;
  const Axis &m_rows, &m_columns;
  TokenRange m_row_cells, m_column_cells;
  std::vector<PooledCell> m_cells;
};

}  // namespace

bool hasExactTiles(const trace::Reader& reader, LayerIndex layer) {
  return reader.holds(layer, "query") && reader.holds(layer, "key");
}

ExactTile exactTile(const trace::Reader& reader, const TileRequest& request, unsigned threads) {
  TileSource source(reader, request);
  source.loadQueries(request.queries);
  ExactTile tile{length(request.queries), length(request.keys), {}};
  tile.cells.resize(tile.rows * tile.columns);
  source.compute(request.queries, request.keys, tile.cells.data(), threads);
  return tile;
}

ExactTile pooledTile(const trace::Reader& reader, const TileRequest& request, GridSize most, trace::Reduction reduction,
                     unsigned threads, const WorkContext& work) {
  if (most.rows == 0 || most.columns == 0) failUsage("pooled tile: needs at least one row and one column");
  TileSource source(reader, request);
  const Axis rows(request.queries, most.rows), columns(request.keys, most.columns);
  ExactTile tile{rows.cells(), columns.cells(), std::vector<float>(rows.cells() * columns.cells())};
  const std::vector<TokenRange> column_groups = columns.groups();
  for (const TokenRange row_group : rows.groups()) {
    source.loadQueries(rows.tokens(row_group));
    kernels::parallelFor(column_groups.size(), threads, [&](std::size_t index, unsigned) {
      work.checkStop();
      CellGroup group(source, rows, columns, row_group, column_groups[index]);
      group.compute();
      group.store(reduction, tile);
    });
  }
  return tile;
}

}  // namespace kvatlas::analysis
