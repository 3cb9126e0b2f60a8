#include "core/policy/pyramid.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::policy {

namespace {

// ⌊B/β⌋: the last layer's share beyond the window in the published code.
std::int64_t lowestBeyondWindow(std::int64_t beyond_window, double beta) {
  return static_cast<std::int64_t>(std::floor(static_cast<double>(beyond_window) / beta));
}

}  // namespace

std::vector<std::uint32_t> exactPyramid(const PyramidShape& shape) {
  const auto mean = static_cast<std::int64_t>(shape.budget), last = static_cast<std::int64_t>(shape.layers) - 1;
  const std::int64_t beyond_window = mean - shape.window;
  const std::int64_t lowest = std::max<std::int64_t>(1, lowestBeyondWindow(beyond_window, shape.beta));
  const std::int64_t spread = std::min(beyond_window - lowest, static_cast<std::int64_t>(shape.tokens) - mean);
  std::vector<std::uint32_t> kept(shape.layers, static_cast<std::uint32_t>(mean));
  for (std::int64_t layer = 0; 2 * layer < last; ++layer) {
    const std::int64_t offset = (2 * spread * (last - 2 * layer) + last) / (2 * last);  // rounded half up
    kept[static_cast<std::size_t>(layer)] = static_cast<std::uint32_t>(mean + offset);
    kept[static_cast<std::size_t>(last - layer)] = static_cast<std::uint32_t>(mean - offset);
  }
  return kept;
}

std::vector<std::uint32_t> publishedPyramid(const PyramidShape& shape) {
  const auto layers = static_cast<std::int64_t>(shape.layers);
  const auto tokens = static_cast<std::int64_t>(shape.tokens);
  const auto window = static_cast<std::int64_t>(shape.window);
  const std::int64_t beyond_window = static_cast<std::int64_t>(shape.budget) - window;
  std::vector<std::uint32_t> kept(shape.layers, static_cast<std::uint32_t>(shape.budget));
  if (tokens < 2 * beyond_window || layers == 1) return kept;
  std::int64_t lowest = lowestBeyondWindow(beyond_window, shape.beta);
  std::int64_t highest = 2 * beyond_window - lowest;
  if (highest >= tokens - window) {
    highest = tokens - window;
    lowest = 2 * beyond_window - highest;
  }
  const std::int64_t step = (highest - lowest) / (layers - 1);
  for (std::int64_t layer = 0; layer < layers; ++layer)
    kept[static_cast<std::size_t>(layer)] = static_cast<std::uint32_t>(highest - layer * step + window);
  return kept;
}

std::vector<std::uint32_t> kvpressPyramid(const PyramidShape& shape) {
  const double tokens = shape.tokens, window = shape.window, budget = static_cast<double>(shape.budget);
  std::vector<std::uint32_t> kept(shape.layers, static_cast<std::uint32_t>(shape.budget));
  double lowest = budget / shape.beta, highest = 2 * budget - lowest;
  if (highest >= tokens - window) {
    highest = tokens - window;
    lowest = 2 * budget - highest;
  }
  if (shape.layers == 1 || tokens < highest || highest < lowest || lowest < window) return kept;
  const double step = (highest - lowest) / (shape.layers - 1);
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer)
    kept[layer] = static_cast<std::uint32_t>(std::nearbyint(highest - layer * step));
  return kept;
}

}  // namespace kvatlas::policy
