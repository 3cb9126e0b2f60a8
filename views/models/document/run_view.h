// One run as views see it, recorded or recomputed: what it keeps and why, and how it decoded; values only.
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

// Recorded runs are 0, 1, … as in the file; recomputed ones start at kFirstWhatIf.
using RunId = int;
inline constexpr RunId kNoRun = -1;
inline constexpr RunId kFirstWhatIf = 1'000'000;
[[nodiscard]] constexpr bool isWhatIf(RunId id) {
  return id >= kFirstWhatIf;
}

// Shared between threads as a shared_ptr<const RunView>.
struct RunView {
  RunId id = kNoRun;
  ChosenRun run;  // header, record and title, as figure builders take them; a full run's positions may be left out
  trace::ModelInfo model;
  std::uint64_t tokens = 0;
  std::optional<KeepRule> rule;

  [[nodiscard]] analysis::RunData data() const { return {run.header, run.record, model, tokens}; }
  // Whether nothing was evicted; kept() is then empty because there is no list.
  [[nodiscard]] bool everything() const { return data().everything(); }
  // Ascending positions of a stored head. Empty outside the model.
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::size_t stored_head) const {
    return data().kept(layer, stored_head);
  }
  [[nodiscard]] bool keeps(LayerIndex layer, std::size_t stored_head, TokenIndex position) const;
  // Evicted, or by which rule it is kept; Score for a method this build does not know.
  [[nodiscard]] policy::Reason reason(LayerIndex layer, std::size_t stored_head, TokenIndex position) const;
  [[nodiscard]] std::uint32_t heads() const { return run.header.heads; }
  [[nodiscard]] std::uint64_t keptTokens() const;  // over all stored heads
  [[nodiscard]] std::size_t bytes() const;         // of memory, for caches
};
using RunPointer = std::shared_ptr<const RunView>;

// Positions [N] of one stored head with the reason each is kept or evicted for, for strips.
[[nodiscard]] std::vector<policy::Reason> reasonsOf(const RunView& view, LayerIndex layer, std::size_t stored_head);

// Reads a recorded run; empty where it was not finished. The full run comes without its list of positions.
[[nodiscard]] RunPointer loadRun(const trace::Reader& reader, std::size_t index, std::string title);

}  // namespace kvatlas::views
