// The levels of a map pyramid and their codes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Tokens per cell of map level 0, 1, …: the smallest power of two with at most map_size cells per side, then doubled
// until at most 64 remain. Empty for map_size 0.
[[nodiscard]] std::vector<std::uint64_t> mapCells(std::uint64_t tokens, std::uint64_t map_size);

// The input dimensions of a pyramid.
struct PyramidShape {
  std::size_t heads = 0, tokens = 0, sliding_window = 0;
  std::vector<std::uint64_t> cells;
};

// The log₂ codes of every level, each pooled from the exact values of the finer one; `level` is the finest as
// probabilities [heads, n, n].
[[nodiscard]] std::vector<std::vector<std::uint16_t>> encodePyramid(std::vector<float> level, const PyramidShape& shape,
                                                                    Reduction reduction, unsigned threads);

// Encodes probabilities as `rows` pieces of equal length in parallel.
[[nodiscard]] std::vector<std::uint16_t> encodeRows(const std::vector<float>& probabilities, std::size_t rows,
                                                    unsigned threads);

}  // namespace kvatlas::trace
