// A recorded or recomputed run for the views: what it keeps and why, and how it decoded.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/run_data.h"
#include "views/models/document/keep_rule.h"
#include "views/models/figures/run_choice.h"
#include "views/models/palette.h"

namespace kvatlas::views {

// Recorded runs are 0, 1, … in file order; recomputed (what-if) runs start at kFirstWhatIf.
using RunId = int;
inline constexpr RunId kNoRun = -1;
inline constexpr RunId kFirstWhatIf = 1'000'000;
[[nodiscard]] constexpr bool isWhatIf(RunId id) {
  return id >= kFirstWhatIf;
}

// Immutable; threads share it as shared_ptr<const RunView>.
struct RunView {
  RunId id = kNoRun;
  ChosenRun run;  // header, record and title, as in figures; a full run may omit its positions
  trace::ModelInfo model;
  std::uint64_t tokens = 0;    // of the prompt
  std::uint64_t question = 0;  // of the question behind it, which the run holds too
  std::optional<KeepRule> rule;
  bool retained_estimated = false;  // from the prompt's last queries, not measured while decoding

  [[nodiscard]] analysis::RunData data() const { return {run.header, run.record, model, tokens}; }
  // True if nothing was evicted; kept() is then empty.
  [[nodiscard]] bool everything() const { return data().everything(); }
  // Ascending positions of a stored head. Empty outside the model.
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::size_t stored_head) const {
    return data().kept(layer, stored_head);
  }
  [[nodiscard]] bool keeps(LayerIndex layer, std::size_t stored_head, TokenIndex position) const;
  // Evicted, or the rule that keeps it; Score for an unknown method.
  [[nodiscard]] policy::Reason reason(LayerIndex layer, std::size_t stored_head, TokenIndex position) const;
  [[nodiscard]] std::uint32_t heads() const { return run.header.heads; }
  [[nodiscard]] std::uint64_t keptTokens() const;  // summed over stored heads
  [[nodiscard]] std::size_t bytes() const;         // memory use
};
using RunPointer = std::shared_ptr<const RunView>;

// [N] the reason why one stored head keeps or evicts each position, for strips.
[[nodiscard]] std::vector<policy::Reason> reasonsOf(const RunView& view, LayerIndex layer, std::size_t stored_head);

// Reads a recorded run; null if it is unfinished. The full run omits its list of positions.
[[nodiscard]] RunPointer loadRun(const trace::Reader& reader, std::size_t index, std::string title);

}  // namespace kvatlas::views
