// The exact attention statistics of one layer, on the host; knows the probe kernels, no policy, no file.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "capture/model/config.h"
#include "capture/model/observer.h"
#include "capture/session/cuda_probe.h"
#include "capture/session/device_copies.h"
#include "core/base/progress.h"
#include "core/signals/signals.h"

namespace kvatlas::capture {

// What is wanted of a layer; what is not asked for costs nothing.
struct StatisticsRequest {
  SignalSet wanted;
  bool last_row = false;     // the last query's attention, from window_rows
  std::size_t map_cell = 0;  // tokens per map cell, 0: no maps
  std::size_t window = 0;    // W ≤ N
  // Whether the receiver reads the attention's queries and keys themselves: on a device they are then kept longer.
  bool tensors = true;

  [[nodiscard]] SignalSet measured() const;
  [[nodiscard]] StatisticsRequest joined(const StatisticsRequest& other) const;
};

// Row-major f32; empty where not asked for.
struct LayerStatistics {
  LayerIndex layer;
  SignalValues values;
  std::vector<float> map_mean, map_max;  // [query_heads, n, n] at map_cell
};

// A layer whose probe has been queued on its device; the attention's tensors are not needed any more. The statistics'
// arrays are filled by finish().
class PendingLayer {
 public:
  // Error naming layer, head and query when the layer's queries or keys hold NaN or Inf.
  [[nodiscard]] LayerStatistics finish();

 private:
  friend PendingLayer beginMeasuring(const LayerAttention&, const ModelConfig&, const StatisticsRequest&, unsigned,
                                     Progress*);
  std::unique_ptr<LayerStatistics> m_statistics;  // its arrays must not move
  std::optional<PendingProbe> m_probe;            // on a device
  std::optional<DeviceCopies> m_norms;
  kernels::ProbeReport m_report;  // on the host: measured already
};

// Queues one probe sweep on a device and waits for nothing; on the host it is done at once. What has to be said of the
// device goes to `progress` (or to nobody).
[[nodiscard]] PendingLayer beginMeasuring(const LayerAttention& attention, const ModelConfig& config,
                                          const StatisticsRequest& request, unsigned threads,
                                          Progress* progress = nullptr);

// One probe sweep. Error naming layer, head and query when the layer's queries or keys hold NaN or Inf.
[[nodiscard]] LayerStatistics measureLayer(const LayerAttention& attention, const ModelConfig& config,
                                           const StatisticsRequest& request, unsigned threads);

}  // namespace kvatlas::capture
