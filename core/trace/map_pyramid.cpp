#include "core/trace/map_pyramid.h"

#include "kernels/log2_codec.h"
#include "kernels/map_pool.h"
#include "kernels/parallel.h"

namespace kvatlas::trace {

std::vector<std::uint64_t> mapCells(std::uint64_t tokens, std::uint64_t map_size) {
  std::vector<std::uint64_t> cells;
  if (map_size == 0 || tokens == 0) return cells;
  const auto count = [tokens](std::uint64_t cell) { return (tokens + cell - 1) / cell; };
  std::uint64_t cell = 1;
  while (count(cell) > map_size) cell *= 2;
  cells.push_back(cell);
  while (count(cell) > 64) cells.push_back(cell *= 2);
  return cells;
}

std::vector<std::uint16_t> encodeRows(const std::vector<float>& probabilities, std::size_t rows, unsigned threads) {
  std::vector<std::uint16_t> codes(probabilities.size());
  if (rows == 0) return codes;
  const std::size_t row = probabilities.size() / rows;
  kernels::parallelFor(rows, threads, [&](std::size_t i, unsigned) {
    kernels::encodeLog2(probabilities.data() + i * row, codes.data() + i * row, row);
  });
  return codes;
}

std::vector<std::vector<std::uint16_t>> encodePyramid(std::vector<float> level, const PyramidShape& shape,
                                                      Reduction reduction, unsigned threads) {
  const auto coarsen = reduction == Reduction::Max ? kernels::coarsenMax : kernels::coarsenMean;
  std::vector<std::vector<std::uint16_t>> pyramid;
  for (std::size_t k = 0; k < shape.cells.size(); ++k) {
    if (k > 0) {
      const kernels::MapGeometry fine{
          .tokens = shape.tokens, .cell = shape.cells[k - 1], .sliding_window = shape.sliding_window};
      const std::size_t n = fine.cells(), m = (n + 1) / 2;
      std::vector<float> next(shape.heads * m * m);
      kernels::parallelFor(shape.heads, threads, [&](std::size_t head, unsigned) {
        coarsen(fine, level.data() + head * n * n, next.data() + head * m * m);
      });
      level = std::move(next);
    }
    pyramid.push_back(encodeRows(level, shape.heads, threads));
  }
  return pyramid;
}

}  // namespace kvatlas::trace
