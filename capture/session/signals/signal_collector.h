// Observes a prefill: measures each layer once, keeps the eviction methods' signals and passes the layer to a sink.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "capture/session/signals/layer_statistics.h"
#include "capture/session/top_keys.h"
#include "core/policy/policy.h"

namespace kvatlas::capture {

// Receives a measured layer; may move data out of it.
using LayerSink = std::function<void(const LayerAttention&, LayerStatistics&)>;

// What the methods of a session need from every layer. with_last_row: also the last query's row (retained mass of the
// first token).
[[nodiscard]] StatisticsRequest requestFor(std::span<const policy::MethodRequest> methods, std::size_t window,
                                           bool with_last_row);

class SignalCollector final : public AttentionObserver {
 public:
  // What the methods need from every layer; setSink() adds what a sink needs.
  SignalCollector(const ModelConfig& config, const StatisticsRequest& for_methods, unsigned threads);
  void setSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers);

  // What to keep of each layer's last row, if the methods' request has it: the row (default), its largest values.
  void keepOfLastRow(bool row, bool top) {
    m_keep_row = row;
    m_keep_top = top;
  }
  // Keeps the mean squares of the last queries; before the prefill.
  void keepQuerySquares() { m_keep_squares = true; }

  // Receiver of device warnings; default: none.
  void reportTo(Progress* progress) { m_progress = progress; }

  // Every layer: unmeasured ones are still checked for NaN and Inf, which would spread silently.
  [[nodiscard]] bool wants(LayerIndex) const override { return true; }
  // Delays each layer's delivery until the next one is queued; always so on a device.
  void receiveLater() { m_later = true; }
  // On a device this only queues the layer and delivers the previous one meanwhile.
  void onAttention(const LayerAttention& attention) override;
  // Delivers the layer in flight; call after the prefill.
  void finish();

  // [layers] views of the kept signals, valid for the collector's lifetime.
  [[nodiscard]] std::vector<LayerSignals> signals() const;
  // Takes a signal that was measured after the prefill; the views see it.
  void add(LayerIndex layer, Signal signal, std::vector<float> values) {
    m_kept.at(layer.value).values[signal] = std::move(values);
  }
  // Whether the sink, if there is one, receives this layer.
  [[nodiscard]] bool sinkWants(LayerIndex layer) const;
  [[nodiscard]] std::span<const float> lastRow(LayerIndex layer) const;  // [query_heads, N]
  // [query_heads, K], columns are positions.
  [[nodiscard]] std::span<const kernels::TopEntry> lastTop(LayerIndex layer) const;
  // [query_heads, d] of the last 32 queries; empty unless kept.
  [[nodiscard]] std::span<const float> querySquares(LayerIndex layer) const;
  void release() { m_kept.clear(); }  // frees the signals once decisions are made

 private:
  struct Kept {
    SignalValues values;  // what the methods need, as a trace stores it
    std::vector<float> last_row, query_squares;
    std::vector<kernels::TopEntry> last_top;
  };
  struct InFlight {
    LayerAttention attention;
    PendingLayer pending;
  };
  void receive(InFlight& layer);

  ModelConfig m_config;
  StatisticsRequest m_for_methods, m_for_sink;
  unsigned m_threads;
  LayerSink m_sink;
  std::vector<bool> m_sink_layers;
  std::vector<Kept> m_kept;  // [layers]
  std::optional<InFlight> m_in_flight;
  Progress* m_progress = nullptr;
  bool m_later = false, m_keep_row = true, m_keep_top = false, m_keep_squares = false;
};

}  // namespace kvatlas::capture
