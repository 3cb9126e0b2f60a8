// How PyramidKV distributes a budget over layers, in integers.
#pragma once

#include <cstdint>
#include <vector>

namespace kvatlas::policy {

struct PyramidShape {
  std::uint32_t layers = 0;
  std::uint32_t tokens = 0;  // N > C
  std::uint32_t window = 0;  // W < C
  std::uint64_t budget = 0;  // C
  double beta = 20;          // ≥ 1: the last layer gets about 1/β of the mean beyond the window
};

// Kept tokens per layer, window included, non-increasing, W + 1 ≤ each ≤ N, and Σ = layers · C exactly.
// The published line from C + s down to C − s with s = B − max(1, ⌊B/β⌋) and B = C − W, but with points rounded
// symmetrically around C instead of by a floored step, so nothing is lost. s is at most N − C, where the first layer
// keeps everything: the surplus stays in the last layers, and the pyramid grows from flat (N = C) to full
// without the published jump at N = 2B. One layer keeps C.
[[nodiscard]] std::vector<std::uint32_t> exactPyramid(const PyramidShape& shape);

// The published arithmetic: flat for N < 2B, else max − l · ⌊(max − min)/(L − 1)⌋ with min = ⌊B/β⌋, max = 2B − min, and
// where max ≥ N − W max = N − W, min = 2B − max. Floor division makes the mean larger than C. The published code
// divides by zero for one layer; here it keeps C.
[[nodiscard]] std::vector<std::uint32_t> publishedPyramid(const PyramidShape& shape);

// kvpress's arithmetic: min = C/β and max = 2C − min without rounding, where max ≥ N − W max = N − W, min = 2C − max;
// layer l keeps round(max − l · (max − min)/(L − 1)), half to even; flat unless N ≥ max ≥ min ≥ W.
[[nodiscard]] std::vector<std::uint32_t> kvpressPyramid(const PyramidShape& shape);

}  // namespace kvatlas::policy
