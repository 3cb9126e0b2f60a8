// Watches a prefill: measures each layer once, keeps what the eviction methods score by, passes the rest on. Knows no
// file.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "capture/session/layer_statistics.h"
#include "core/policy/policy.h"

namespace kvatlas::capture {

// Receives a measured layer; takes what it wants out of it.
using LayerSink = std::function<void(const LayerAttention&, LayerStatistics&)>;

// What the methods of a session need of every layer. with_last_row: also the last query's row (retained mass of the
// first token).
[[nodiscard]] StatisticsRequest requestFor(std::span<const policy::MethodRequest> methods, std::size_t window,
                                           bool with_last_row);

class SignalCollector final : public AttentionObserver {
 public:
  // `sink_request` is added for the layers that `sink_wants`; the sink may be empty.
  SignalCollector(const ModelConfig& config, const StatisticsRequest& for_methods, unsigned threads);
  void setSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers);

  // Where warnings of the device go; nowhere until then.
  void reportTo(Progress* progress) { m_progress = progress; }

  // Every layer: one nobody measures is still looked over for NaN and Inf, which would spread silently.
  [[nodiscard]] bool wants(LayerIndex) const override { return true; }
  // Layers are received one later than they are queued; on a device they always are.
  void receiveLater() { m_later = true; }
  // On a device a layer is only queued; the one before it is received meanwhile.
  void onAttention(const LayerAttention& attention) override;
  // Receives what is still under way; after the prefill.
  void finish();

  // [layers] views of the kept signals, valid while the collector lives.
  [[nodiscard]] std::vector<LayerSignals> signals() const;
  [[nodiscard]] std::span<const float> lastRow(LayerIndex layer) const;  // [query_heads, N]
  void release() { m_kept.clear(); }                                     // frees the signals once decisions are made

 private:
  struct Kept {
    SignalValues values;  // what the methods need, as a trace stores it
    std::vector<float> last_row;
  };
  struct Underway {
    LayerAttention attention;
    PendingLayer pending;
    std::size_t window;
  };
  [[nodiscard]] bool sinkWants(LayerIndex layer) const;
  void receive(Underway& layer);

  ModelConfig m_config;
  StatisticsRequest m_for_methods, m_for_sink;
  unsigned m_threads;
  LayerSink m_sink;
  std::vector<bool> m_sink_layers;
  std::vector<Kept> m_kept;  // [layers]
  std::optional<Underway> m_underway;
  Progress* m_progress = nullptr;
  bool m_later = false;
};

}  // namespace kvatlas::capture
