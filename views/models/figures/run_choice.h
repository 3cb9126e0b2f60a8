// Which runs of a trace a figure draws; no Qt Gui.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/analysis/run_data.h"
#include "core/trace/reader.h"
#include "views/models/figures/traces.h"

namespace kvatlas::views {

struct ChosenRun {
  std::size_t index = 0;
  trace::RunHeader header;
  trace::RunRecord record;
  std::string title;  // "PyramidKV", plus the label if two runs of one budget would have the same title
};

struct RunChoice {
  std::vector<ChosenRun> runs;        // in file order, without the full run
  std::vector<std::string> budgets;   // of these runs, ascending by nominal size
  std::vector<std::string> warnings;  // unfinished runs
};

// selectors: "snapkv", "snapkv@128", a label or a run number; empty = all. budgets: as in the capture; empty =
// all. UsageError with the nearest names if one matches nothing; Error if no run remains.
[[nodiscard]] RunChoice chooseRuns(const trace::Reader& reader, const std::vector<std::string>& selectors,
                                   const std::vector<std::string>& budgets);

// For several traces: every selector and budget must match a run of at least one trace; a trace without a match gets an
// empty choice.
[[nodiscard]] std::vector<RunChoice> chooseRuns(const Traces& traces, const std::vector<std::string>& selectors,
                                                const std::vector<std::string>& budgets);

// Whether any run of an eviction method is finished.
[[nodiscard]] bool anyFinishedRun(const trace::Reader& reader);
// For figures of one budget: `given`; if empty, the median budget of the chosen runs.
[[nodiscard]] std::vector<std::string> oneBudget(const Traces& traces, const std::vector<std::string>& selectors,
                                                 const std::vector<std::string>& given);

// "PyramidKV"; plus the label, or the run number, if another run has the same method and budget.
[[nodiscard]] std::string runTitle(const trace::RunHeader& run, std::size_t index, bool has_twin);

using analysis::storedHead;

}  // namespace kvatlas::views
