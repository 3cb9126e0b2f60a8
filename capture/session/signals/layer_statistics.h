// The exact attention statistics of one layer, on the host.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "capture/model/config.h"
#include "capture/model/observer.h"
#include "capture/session/device/cuda_probe.h"
#include "capture/session/device/device_copies.h"
#include "core/base/progress.h"
#include "core/policy/signal_parameters.h"
#include "core/signals/signals.h"

namespace kvatlas::capture {

// What to measure of a layer; nothing else is computed.
struct StatisticsRequest {
  SignalSet wanted;
  policy::SignalParameters parameters;  // of the signals in `wanted` that have some
  bool last_row = false;                // the last query's attention
  std::size_t map_cell = 0;             // tokens per map cell, 0: no maps
  std::size_t window = 0;               // W ≤ N
  // Whether the receiver reads the queries and keys: on a device they are then kept longer.
  bool tensors = true;

  // W of what is measured: one row where nothing but the last one is wanted.
  [[nodiscard]] std::size_t measuredWindow() const;
  [[nodiscard]] StatisticsRequest joined(const StatisticsRequest& other) const;
};

// Row-major f32; empty where not requested.
struct LayerStatistics {
  LayerIndex layer;
  SignalValues values;
  std::vector<float> map_mean, map_max;  // [query_heads, n, n] at map_cell
  std::vector<float> last_row;           // [query_heads, N]
};

// A layer whose probe is queued on its device; it no longer needs the attention's tensors. finish() fills the arrays.
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
  kernels::ProbeReport m_report;  // on the host: already measured
};

// On a device: queues one probe sweep without waiting. On the host: runs it. `progress` receives the device's warnings;
// null: discarded.
[[nodiscard]] PendingLayer beginMeasuring(const LayerAttention& attention, const ModelConfig& config,
                                          const StatisticsRequest& request, unsigned threads,
                                          Progress* progress = nullptr);

// One probe sweep. Error naming layer, head and query when the layer's queries or keys hold NaN or Inf.
[[nodiscard]] LayerStatistics measureLayer(const LayerAttention& attention, const ModelConfig& config,
                                           const StatisticsRequest& request, unsigned threads);

}  // namespace kvatlas::capture
