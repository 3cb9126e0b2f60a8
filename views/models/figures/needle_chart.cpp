#include "views/models/figures/needle_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/results/tables.h"
#include "views/models/figures/results_facts.h"

namespace kvatlas::views {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

template <class T>
std::size_t placeOf(const std::vector<T>& values, const T& value) {
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

ValueGrid cellsOf(const results::Grid& grid, const NeedleChart& chart) {
  ValueGrid cells = ValueGrid::filled(chart.depths.size(), chart.lengths.size(), kMissing);
  for (std::size_t l = 0; l < grid.rows.size(); ++l)
    for (std::size_t d = 0; d < grid.columns.size(); ++d)
      if (const auto& mean = grid.at(l, d))
        cells.at(placeOf(chart.depths, results::numberOf(grid.columns[d])),
                 placeOf(chart.lengths, std::get<std::uint64_t>(grid.rows[l]))) = static_cast<float>(*mean);
  return cells;
}

// Budgets by what they mean on average: "12.5%" of these lengths stands between 64 and 256 tokens.
std::vector<std::string> budgetsBySize(const std::vector<BranchName>& branches,
                                       const std::vector<results::Accuracy>& table) {
  std::vector<std::pair<double, std::string>> sizes;
  for (const BranchName& branch : branches) {
    const auto same = [&](const auto& size) { return size.second == branch.budget; };
    if (!branch.is_full && std::none_of(sizes.begin(), sizes.end(), same))
      sizes.emplace_back(table[branch.index].nominal, branch.budget);
  }
  std::stable_sort(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> budgets;
  for (auto& size : sizes) budgets.push_back(std::move(size.second));
  return budgets;
}

// Column 0 is the full cache, then one per label.
void placePanels(NeedleChart& chart) {
  std::vector<std::string> labels;
  for (NeedlePanel& panel : chart.panels) {
    if (panel.branch.is_full) continue;
    if (std::find(labels.begin(), labels.end(), panel.branch.label) == labels.end())
      labels.push_back(panel.branch.label);
    panel.column = placeOf(labels, panel.branch.label) + 1;
    panel.row = placeOf(chart.budgets, panel.branch.budget);
  }
  chart.columns = labels.size() + 1;
  chart.rows = std::max<std::size_t>(1, chart.budgets.size());
}

}  // namespace

NeedleChart needleChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  const results::Plan& plan = reader.settings().plan();
  const std::vector<BranchName> branches = chooseBranches(reader, spec);
  const results::Selection selection{spec.score, {}};
  const std::vector<results::Grid> grids = results::gridsOf(plan, reader.records(), results::kLengthByDepth, selection);
  NeedleChart chart{sorted(plan.wholes("length")), sorted(plan.numbers("depth")), {}, 1, 1, {}};
  chart.budgets = budgetsBySize(branches, results::accuracyOf(plan, reader.records(), selection));
  for (const BranchName& branch : branches) {
    const results::Grid& grid = grids[branch.index];
    NeedlePanel panel{branch, branchTitle(branch), 0, 0, cellsOf(grid, chart), grid.records, grid.average, grid.kept};
    if (grid.records == 0) panel.average = std::numeric_limits<double>::quiet_NaN();
    chart.panels.push_back(std::move(panel));
  }
  placePanels(chart);
  return chart;
}

}  // namespace kvatlas::views
