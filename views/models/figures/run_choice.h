// Which runs of a trace a figure draws; knows no Qt Gui.
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
  std::string title;  // "PyramidKV", with the label behind it where a title would stand twice at one budget
};

struct RunChoice {
  std::vector<ChosenRun> runs;        // in the order of the file; never the full run
  std::vector<std::string> budgets;   // of these runs, ascending by nominal size
  std::vector<std::string> warnings;  // runs that were not finished
};

// selectors: "snapkv", "snapkv@128", a label or a run number; empty = all. budgets: as given at the capture; empty =
// all. UsageError with the nearest names when one matches nothing; Error when nothing is left to draw.
[[nodiscard]] RunChoice chooseRuns(const trace::Reader& reader, const std::vector<std::string>& selectors,
                                   const std::vector<std::string>& budgets);

// Of several traces: every selector and budget must fit a run of at least one of them; the choice of a trace where
// nothing fits is empty.
[[nodiscard]] std::vector<RunChoice> chooseRuns(const Traces& traces, const std::vector<std::string>& selectors,
                                                const std::vector<std::string>& budgets);

// Whether any run of an eviction method was finished.
[[nodiscard]] bool anyFinishedRun(const trace::Reader& reader);
// For figures of one budget: `given`, or the middle one of the chosen runs where none is given.
[[nodiscard]] std::vector<std::string> oneBudget(const Traces& traces, const std::vector<std::string>& selectors,
                                                 const std::vector<std::string>& given);

// "PyramidKV"; with the label behind it, or the number, where another run has the same method and budget.
[[nodiscard]] std::string runTitle(const trace::RunHeader& run, std::size_t index, bool has_twin);

using analysis::storedHead;

}  // namespace kvatlas::views
