// The runs of a synthetic trace: real policies decide on the synthetic signals, layer by layer, and their mass is
// measured on the synthetic attention.
#pragma once

#include "core/policy/layer_decision.h"
#include "core/policy/signal_parameters.h"
#include "core/runs/run_setting.h"
#include "core/synthetic/layer.h"

namespace kvatlas::synthetic {

struct RunRequest {
  std::vector<policy::MethodRequest> methods;  // full is always included
  std::vector<std::string> budgets;            // as on the command line
  std::uint32_t window = 0, new_tokens = 0;
  unsigned threads = 0;
};

// Decides as layers arrive, so that no layer stays in memory. A method that allocates by the scores of all layers needs
// them twice.
class RunRecorder {
 public:
  // UsageError: a budget that a method cannot spend.
  RunRecorder(const RunRequest& request, const trace::ModelInfo& model, std::uint32_t tokens);

  [[nodiscard]] std::vector<trace::RunHeader> headers() const;
  // The signals that only its methods ask for, and what they are measured with.
  [[nodiscard]] SignalSet measured() const;
  [[nodiscard]] policy::SignalParameters signalParameters() const;
  // Whether every layer must go through scoreLayer() first.
  [[nodiscard]] bool readsAllScores() const;
  void scoreLayer(const SyntheticLayer& layer);  // in ascending order
  void addLayer(const SyntheticLayer& layer);    // in ascending order
  // Call after the last layer, once per run.
  [[nodiscard]] trace::RunRecord take(std::size_t run);

 private:
  struct Run {
    const policy::Method* method = nullptr;
    runs::RunSetting asked;
    policy::Setting setting;
    std::vector<policy::LayerScores> scores;  // [layers] if the allocator reads them
    trace::RunRecord record;
  };
  static void allocate(Run& run);
  static void decide(Run& run, const SyntheticLayer& layer);
  void measure(const SyntheticLayer& layer);
  void speak(Run& run, bool full) const;

  RunRequest m_request;
  trace::ModelInfo m_model;
  std::uint32_t m_tokens;
  std::vector<Run> m_runs;
};

}  // namespace kvatlas::synthetic
