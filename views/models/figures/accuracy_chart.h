// Score against budget as lines, one per method, in one panel or one per kind or length; no Qt Gui.
#pragma once

#include <string>
#include <vector>

#include "core/results/reader.h"
#include "core/results/tables.h"
#include "views/models/figures/branch_name.h"
#include "views/models/figures/figure_spec.h"

namespace kvatlas::views {

struct AccuracyPoint {
  BranchName branch;
  double kept = 0;  // tokens per head, mean over records
  double mean = 0;
  results::Interval interval;  // Wilson, 95 %
  std::size_t records = 0;
};

struct AccuracyLine {
  std::string method, label, title;
  std::vector<AccuracyPoint> points;  // ascending by kept
};

struct AccuracyPanel {
  std::string title;  // "context of 1,024 tokens"; empty: all records
  AccuracyPoint full;
  std::vector<AccuracyLine> lines;
};

struct AccuracyChart {
  std::vector<AccuracyPanel> panels;
  std::vector<double> budgets;  // nominal tokens per head, ascending, unique
  double least_kept = 0, most_kept = 0;
};

// Error if no case is finished or only the full cache was run; UsageError for runs or scores not in the results.
[[nodiscard]] AccuracyChart accuracyChart(const results::ResultsReader& reader, const FigureSpec& spec);

}  // namespace kvatlas::views
