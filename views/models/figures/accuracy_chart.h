// Scores of a run as lines or points in panels: against budget, cache bytes or length; no Qt Gui.
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
  double x = 0;     // what the figure's horizontal axis counts
  double kept = 0;  // tokens per head, mean over records
  double mean = 0;
  results::Interval interval;  // 95 %
  std::size_t records = 0;
};

struct AccuracyLine {
  std::string method, label, title;
  std::vector<AccuracyPoint> points;  // ascending by x
  double budget_place = 0.5;          // of lines of one method: 0 the smallest budget, 1 the largest
};

struct AccuracyPanel {
  std::string title;   // "context of 1,024 tokens"; empty: all records
  AccuracyPoint full;  // without records: no rule across the panel
  std::vector<AccuracyLine> lines;
};

struct AccuracyChart {
  std::vector<AccuracyPanel> panels;
  std::vector<double> ticks;   // of x: nominal budgets or lengths; ascending, unique
  double least = 0, most = 0;  // of x
};

// Error if no case is finished or only the full cache was run; UsageError for runs or scores not in the results.
[[nodiscard]] AccuracyChart accuracyChart(const results::ResultsReader& reader, const FigureSpec& spec);
// The same with a panel for every set of a benchmark.
[[nodiscard]] AccuracyChart longbenchChart(const results::ResultsReader& reader, const FigureSpec& spec);
// Score against length, one line per branch, the full cache too; a panel for every task. Error without lengths.
[[nodiscard]] AccuracyChart rulerChart(const results::ResultsReader& reader, const FigureSpec& spec);
// The average of the sets against the bytes of the cache, one line per method; intervals are those of the difference to
// the full cache. Error if the results do not say the bytes.
[[nodiscard]] AccuracyChart tradeoffChart(const results::ResultsReader& reader, const FigureSpec& spec);

}  // namespace kvatlas::views
