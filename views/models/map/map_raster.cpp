#include "views/models/map/map_raster.h"

#include <algorithm>

#include "kernels/log2_codec.h"
#include "views/models/map/code_table.h"
#include "views/models/map/pixel_axis.h"

namespace kvatlas::views {
namespace {

// The source of one tile of the level: itself or a coarser tile, whose cells are `ratio` of ours wide.
struct Piece {
  TilePointer tile;
  std::uint64_t ratio = 1, row = 0, column = 0;  // first cell of the tile, in its own cells
  std::int32_t state = kMaskedPixel;             // if there is no tile
};

// The tiles under a block of pixels; looks each up once.
class Pieces {
 public:
  Pieces(const RasterRequest& request, PixelAxis::Range rows, PixelAxis::Range columns)
      : m_request(request),
        m_row(rows.begin / kTileSide),
        m_column(columns.begin / kTileSide),
        m_columns((columns.end - 1) / kTileSide + 1 - m_column) {
    const std::size_t count = (rows.end - 1) / kTileSide + 1 - m_row;
    for (std::size_t row = m_row; row < m_row + count; ++row)
      for (std::size_t column = m_column; column < m_column + m_columns; ++column)
        m_pieces.push_back(resolve(row, column));
  }

  [[nodiscard]] bool complete() const { return m_complete; }

  // Calls use(piece, begin, end) for each piece of the cells [begin, end) of a cell row.
  template <class Use>
  void forRow(std::uint64_t row, PixelAxis::Range columns, const Use& use) const {
    for (std::uint64_t begin = columns.begin; begin < columns.end;) {
      const std::uint64_t end = std::min(columns.end, (begin / kTileSide + 1) * kTileSide);
      use(m_pieces[(row / kTileSide - m_row) * m_columns + begin / kTileSide - m_column], begin, end);
      begin = end;
    }
  }

 private:
  Piece resolve(std::size_t row, std::size_t column) {
    const TilePyramid& pyramid = *m_request.pyramid;
    if (!pyramid.tileVisible(m_request.level, row, column)) return {};
    for (std::size_t level = m_request.level; level < pyramid.cells.size(); ++level) {
      const std::uint64_t ratio = pyramid.cells[level] / pyramid.cells[m_request.level];
      const std::uint64_t tile_row = row / ratio, tile_column = column / ratio;
      TilePointer tile = m_request.find({static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(tile_row),
                                         static_cast<std::uint32_t>(tile_column)});
      if (!tile) continue;
      if (level != m_request.level) m_complete = false;
      if (tile->state == Tile::State::NotCaptured) return {nullptr, 1, 0, 0, kNotCapturedPixel};
      return {std::move(tile), ratio, tile_row * kTileSide, tile_column * kTileSide, 0};
    }
    m_complete = false;
    return {nullptr, 1, 0, 0, kNotLoadedPixel};
  }

  const RasterRequest& m_request;
  std::size_t m_row, m_column, m_columns;
  std::vector<Piece> m_pieces;
  bool m_complete = true;
};

// Calls use(index, code) for the cells [begin, end) of a row inside one piece; index counts from `origin`.
template <class Use>
void forCodes(const Piece& piece, std::uint64_t row, std::uint64_t begin, std::uint64_t end, std::uint64_t origin,
              const Use& use) {
  if (!piece.tile) {
    for (std::uint64_t c = begin; c < end; ++c) use(c - origin, piece.state);
    return;
  }
  const std::uint16_t* codes = piece.tile->codes.data() + (row / piece.ratio - piece.row) * piece.tile->columns;
  if (piece.ratio == 1) {
    const std::uint16_t* from = codes + (begin - piece.column);
    for (std::uint64_t c = 0; c < end - begin; ++c) use(begin - origin + c, std::int32_t{from[c]});
    return;
  }
  for (std::uint64_t c = begin; c < end;) {
    const std::uint64_t stop = std::min(end, (c / piece.ratio + 1) * piece.ratio);
    const std::int32_t code = codes[c / piece.ratio - piece.column];
    for (; c < stop; ++c) use(c - origin, code);
  }
}

// Computes a row of pixels from the cell rows it covers.
class RowPooling {
 public:
  RowPooling(const RasterRequest& request, const Pieces& pieces, const PixelAxis& x, PixelAxis::Range columns)
      : m_request(request), m_pieces(pieces), m_x(x), m_columns(columns), m_line(columns.end - columns.begin) {
    if (request.reduction == trace::Reduction::Max) return;
    m_sum.resize(m_line.size());
    m_count.resize(m_line.size());
  }

  void largest(PixelAxis::Range rows, std::int32_t* out) {
    gatherLargest(rows);
    for (std::size_t i = m_x.first; i < m_x.last; ++i) {
      const std::uint64_t begin = m_x.cells[i].begin - m_columns.begin, end = m_x.cells[i].end - m_columns.begin;
      std::int32_t value = m_line[begin];
      for (std::uint64_t c = begin + 1; c < end; ++c) value = std::max(value, m_line[c]);
      out[i] = value;
    }
  }

  void mean(PixelAxis::Range rows, std::int32_t* out) {
    gatherLargest(rows);  // gives the state of pixels without cells
    gatherSums(rows);
    for (std::size_t i = m_x.first; i < m_x.last; ++i) {
      float sum = 0, count = 0;
      std::int32_t state = kOutsidePixel;
      for (std::uint64_t c = m_x.cells[i].begin - m_columns.begin; c < m_x.cells[i].end - m_columns.begin; ++c) {
        sum += m_sum[c];
        count += m_count[c];
        state = std::max(state, m_line[c]);
      }
      m_means.push_back(count > 0 ? sum / count : 0);
      out[i] = count > 0 ? 0 : std::min<std::int32_t>(state, kMaskedPixel);
    }
    m_codes.resize(m_means.size());
    kernels::encodeLog2(m_means.data(), m_codes.data(), m_means.size());
    for (std::size_t i = m_x.first; i < m_x.last; ++i)
      if (out[i] == 0) out[i] = m_codes[i - m_x.first];
    m_means.clear();
  }

 private:
  void gatherLargest(PixelAxis::Range rows) {
    std::fill(m_line.begin(), m_line.end(), kOutsidePixel);
    for (std::uint64_t row = rows.begin; row < rows.end; ++row)
      m_pieces.forRow(row, m_columns, [&](const Piece& piece, std::uint64_t begin, std::uint64_t end) {
        forCodes(piece, row, begin, end, m_columns.begin,
                 [&](std::uint64_t c, std::int32_t code) { m_line[c] = std::max(m_line[c], code); });
      });
  }

  // Skips cells without a visible pair: their code 0 is not a value.
  void gatherSums(PixelAxis::Range rows) {
    const std::vector<float>& decode = probabilityOfCode();
    std::fill(m_sum.begin(), m_sum.end(), 0.0F);
    std::fill(m_count.begin(), m_count.end(), 0.0F);
    for (std::uint64_t row = rows.begin; row < rows.end; ++row) {
      const PixelAxis::Range seen = visibleCells(row);
      if (seen.begin >= seen.end) continue;
      m_pieces.forRow(row, seen, [&](const Piece& piece, std::uint64_t begin, std::uint64_t end) {
        forCodes(piece, row, begin, end, m_columns.begin, [&](std::uint64_t c, std::int32_t code) {
          if (code < 0) return;
          m_sum[c] += decode[static_cast<std::size_t>(code)];
          m_count[c] += 1;
        });
      });
    }
  }

  [[nodiscard]] PixelAxis::Range visibleCells(std::uint64_t row) const {
    const TilePyramid& pyramid = *m_request.pyramid;
    const std::uint64_t cell = pyramid.cells[m_request.level], window = pyramid.sliding_window;
    const std::uint64_t query = row * cell, first = window > 0 && query + 1 > window ? query + 1 - window : 0;
    return {std::max(m_columns.begin, first / cell), std::min(m_columns.end, row + 1)};
  }

  const RasterRequest& m_request;
  const Pieces& m_pieces;
  const PixelAxis& m_x;
  const PixelAxis::Range m_columns;
  std::vector<std::int32_t> m_line;
  std::vector<float> m_sum, m_count, m_means;
  std::vector<std::uint16_t> m_codes;
};

// Masks pixels whose tokens have no visible pair, whatever their cell contains.
void mask(const TilePyramid& pyramid, const PixelAxis& x, PixelAxis::Range queries, std::int32_t* row) {
  const auto seen = [&](std::size_t i) {
    return pyramid.visible(queries.begin, queries.end, x.tokens[i].begin, x.tokens[i].end);
  };
  // The visible pixels of a row are contiguous: walk in from both ends.
  std::size_t begin = x.first, end = x.last;
  while (begin < end && !seen(begin)) row[begin++] = kMaskedPixel;
  while (end > begin && !seen(end - 1)) row[--end] = kMaskedPixel;
}

PixelAxis::Range covered(const PixelAxis& axis) {
  return {axis.cells[axis.first].begin, axis.cells[axis.last - 1].end};
}

}  // namespace

RasterResult rasterise(const RasterRequest& request) {
  const TilePyramid& pyramid = *request.pyramid;
  const auto width = static_cast<std::size_t>(request.area.width),
             height = static_cast<std::size_t>(request.area.height);
  RasterResult result{std::vector<std::int32_t>(width * height, kOutsidePixel), true};
  const std::uint64_t cell = pyramid.cells[request.level];
  const PixelAxis x(request.area.x, width, request.scale.x, pyramid.tokens, cell);
  const PixelAxis y(request.area.y, height, request.scale.y, pyramid.tokens, cell);
  if (x.first >= x.last || y.first >= y.last) return result;
  const Pieces pieces(request, covered(y), covered(x));
  RowPooling pooling(request, pieces, x, covered(x));
  const bool mean = request.reduction == trace::Reduction::Mean && (x.pools || y.pools);
  std::vector<std::int32_t> values(width, kOutsidePixel);
  for (std::size_t row = y.first; row < y.last; ++row) {
    const PixelAxis::Range cells = y.cells[row];
    const bool same = row > y.first && cells.begin == y.cells[row - 1].begin && cells.end == y.cells[row - 1].end;
    if (!same) mean ? pooling.mean(cells, values.data()) : pooling.largest(cells, values.data());
    std::int32_t* out = result.pixels.data() + row * width;
    std::copy(values.begin(), values.end(), out);
    mask(pyramid, x, y.tokens[row], out);
  }
  result.complete = pieces.complete();
  return result;
}

}  // namespace kvatlas::views
