// The runs of a synthetic trace: real policies decide over the synthetic signals, layer by layer, and their mass is
// measured on the synthetic attention. Knows policies and records, no file.
#pragma once

#include "core/policy/policy.h"
#include "core/runs/run_setting.h"
#include "core/synthetic/layer.h"

namespace kvatlas::synthetic {

struct RunRequest {
  std::vector<std::string> methods, budgets;  // as on the command line; full is always there
  std::uint32_t window = 0, new_tokens = 0;
  unsigned threads = 0;
};

// Decides while the layers pass by, so that no layer has to stay in memory.
class RunRecorder {
 public:
  // UsageError: an unknown method or budget, or a method that shares tokens out by the scores of all layers.
  RunRecorder(const RunRequest& request, const trace::ModelInfo& model, std::uint32_t tokens);

  [[nodiscard]] std::vector<trace::RunHeader> headers() const;
  void addLayer(const SyntheticLayer& layer);  // in ascending order
  // After the last layer, once for each run.
  [[nodiscard]] trace::RunRecord take(std::size_t run);

 private:
  struct Run {
    const policy::Method* method = nullptr;
    runs::RunSetting asked;
    policy::Setting setting;
    std::vector<std::uint32_t> capacity;
    trace::RunRecord record;
  };
  void decide(Run& run, const SyntheticLayer& layer) const;
  void measure(const SyntheticLayer& layer);
  void speak(Run& run, bool full) const;

  RunRequest m_request;
  trace::ModelInfo m_model;
  std::uint32_t m_tokens;
  std::vector<Run> m_runs;
};

}  // namespace kvatlas::synthetic
