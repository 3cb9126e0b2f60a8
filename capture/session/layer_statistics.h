// The exact attention statistics of one layer, on the host; knows the probe kernels, no policy, no file.
#pragma once

#include <vector>

#include "capture/model/config.h"
#include "capture/model/observer.h"

namespace kvatlas::capture {

// What is wanted of a layer; what is not asked for costs nothing.
struct StatisticsRequest {
  bool entropy = false, received = false, window_sum = false, window_rows = false, norms = false, lse = false;
  std::size_t map_cell = 0;  // tokens per map cell, 0: no maps
  std::size_t window = 0;    // W ≤ N

  [[nodiscard]] StatisticsRequest joined(const StatisticsRequest& other) const;
};

// Row-major f32; empty where not asked for.
struct LayerStatistics {
  LayerIndex layer;
  std::vector<float> lse, entropy, received, window_sum;  // [query_heads, N]
  std::vector<float> window_rows;                         // [query_heads, W, N]
  std::vector<float> key_norm, value_norm;                // [kv_heads, N]
  std::vector<float> map_mean, map_max;                   // [query_heads, n, n] at map_cell
};

// One probe sweep. Error naming layer, head and query when the layer's queries or keys hold NaN or Inf.
[[nodiscard]] LayerStatistics measureLayer(const LayerAttention& attention, const ModelConfig& config,
                                           const StatisticsRequest& request, unsigned threads);

}  // namespace kvatlas::capture
