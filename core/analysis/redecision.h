// A decision made again from what a trace recorded: which signals it reads, whether the trace has them, and each
// layer's ranks. Knows the reader of traces, no view.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/policy/ranking.h"
#include "core/trace/reader.h"

namespace kvatlas::analysis {

// A score in place of the method's own, over the same signals; allocation and selection stay the method's.
struct ScoreSource {
  std::string name;  // tells one from another: two of the same name are the same
  SignalSet needs;
  std::function<policy::LayerScores(const policy::Setting&, LayerIndex, const LayerSignals&)> score;
};

struct Redecision {
  const policy::Method* method = nullptr;
  policy::Setting setting;
  std::shared_ptr<const ScoreSource> score;  // empty: the method's own

  [[nodiscard]] SignalSet needs() const { return score ? score->needs : method->needs; }
  // Whether layers have to be ranked first; else decideRanked() takes none.
  [[nodiscard]] bool readsScores() const;
};

// Why the trace cannot answer, naming the signal that is missing; empty when it can. recorded: [layers].
[[nodiscard]] std::string obstacleTo(const Redecision& wanted, const trace::AttentionPlan& plan,
                                     const std::vector<bool>& recorded);

// Equal keys rank alike: a budget, and parameters that do not change the score, are not in it.
[[nodiscard]] std::string scoreKey(const Redecision& wanted);

// One layer's signals, those of the window for its last `window` queries. A window_sum of fewer queries than recorded
// is summed from the rows (log₂ codes: within 0.02 %). Error naming layer and signal where one was not recorded.
[[nodiscard]] SignalValues readSignals(const trace::Reader& reader, LayerIndex layer, SignalSet wanted,
                                       std::uint32_t window);

// depth: how many of the best candidates to put in order.
[[nodiscard]] policy::RankedLayer rankSignals(const Redecision& wanted, LayerIndex layer, const SignalValues& values,
                                              std::uint32_t depth);

}  // namespace kvatlas::analysis
