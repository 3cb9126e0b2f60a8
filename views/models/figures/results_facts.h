// What every figure of results says about the run behind it; knows no Qt Gui.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/results/reader.h"
#include "views/models/figures/branch_name.h"
#include "views/models/figures/figure_spec.h"

namespace kvatlas::views {

struct ResultsFacts {
  std::string folder;  // name without the way to it
  std::string model, haystack, score;
  std::string settings_sha256;
  std::size_t cases_done = 0, cases_planned = 0;
  std::uint32_t trials = 0;
  std::vector<std::string> kinds;
};

// `score_asked` is what the figure shows instead of the run's own score; empty: the latter.
[[nodiscard]] ResultsFacts resultsFacts(const results::ResultsReader& reader, const std::string& score_asked);

// The branches that --runs and --budget choose, in the order of the plan; the full cache is always among them.
[[nodiscard]] std::vector<BranchName> chooseBranches(const results::ResultsReader& reader, const FigureSpec& spec);

// "word_overlap" → "word overlap".
[[nodiscard]] std::string scoreTitle(const std::string& score);

}  // namespace kvatlas::views
