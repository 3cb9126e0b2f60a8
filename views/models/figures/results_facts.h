// Metadata of an evaluation for its figures; no Qt Gui.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/results/reader.h"
#include "views/models/figures/branch_name.h"
#include "views/models/figures/figure_spec.h"

namespace kvatlas::views {

struct ResultsFacts {
  std::string folder;  // name without its path
  std::string model, haystack, score;
  std::string settings_sha256;
  std::size_t cases_done = 0, cases_planned = 0;
  std::uint32_t trials = 0;
  std::vector<std::string> kinds;
};

// `score_asked` overrides the default score of the results; empty: the default.
[[nodiscard]] ResultsFacts resultsFacts(const results::ResultsReader& reader, const std::string& score_asked);

// The branches that --runs and --budget select, in plan order; always includes the full cache.
[[nodiscard]] std::vector<BranchName> chooseBranches(const results::ResultsReader& reader, const FigureSpec& spec);

// "word_overlap" → "word overlap".
[[nodiscard]] std::string scoreTitle(const std::string& score);

}  // namespace kvatlas::views
