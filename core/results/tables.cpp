#include "core/results/tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::results {
namespace {

struct Sum {
  double total = 0;
  std::size_t count = 0;
  void add(double value) {
    total += value;
    ++count;
  }
  [[nodiscard]] double mean() const { return count == 0 ? 0 : total / static_cast<double>(count); }
};

// Branch and record of every record that the selection takes, in order.
template <class Visit>
void visitSelected(const Plan& plan, std::span<const Record> records, const Selection& selection, const Visit& visit) {
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> branches;
  for (const Branch& branch : plan.branches)
    branches.try_emplace({branch.method, branch.label, branch.budget}, branches.size());
  for (const Record& record : records) {
    if (!record.facets.include(selection.where)) continue;
    const auto branch = branches.find({record.method, record.label, record.budget});
    if (branch != branches.end()) visit(branch->second, record);
  }
}

using Places = std::map<FacetValue, std::size_t>;

Places placesOf(const std::vector<FacetValue>& values) {
  Places places;
  for (const FacetValue& value : values) places.try_emplace(value, places.size());
  return places;
}

// nullopt: the record's value is not one of the plan.
std::optional<std::size_t> placeOf(const Places& places, const Record& record, std::string_view facet) {
  const FacetValue* value = record.facets.find(facet);
  const auto found = value == nullptr ? places.end() : places.find(*value);
  return found == places.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

double scoreOf(const Record& record, std::string_view name) {
  if (name.empty()) return record.score;
  const auto found = record.scores.find(std::string(name));
  if (found != record.scores.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [score, value] : record.scores) known.push_back(score);
  failUsage("--score '{}' is not recorded{}", name, suggestion(name, known));
}

std::vector<Grid> gridsOf(const Plan& plan, std::span<const Record> records, const GridAxes& axes,
                          const Selection& selection) {
  const std::vector<FacetValue>&rows = plan.facet(axes.rows).values, &columns = plan.facet(axes.columns).values;
  const Places row_places = placesOf(rows), column_places = placesOf(columns);
  struct Sums {
    std::vector<Sum> cells;
    Sum all, kept;
  };
  std::vector<Sums> sums(plan.branches.size(), Sums{std::vector<Sum>(rows.size() * columns.size()), {}, {}});
  visitSelected(plan, records, selection, [&](std::size_t branch, const Record& record) {
    const auto row = placeOf(row_places, record, axes.rows), column = placeOf(column_places, record, axes.columns);
    if (!row || !column) return;
    const double score = scoreOf(record, selection.score);
    sums[branch].cells[*row * columns.size() + *column].add(score);
    sums[branch].all.add(score);
    sums[branch].kept.add(record.kept);
  });
  std::vector<Grid> grids;
  for (std::size_t i = 0; i < plan.branches.size(); ++i) {
    Grid grid{plan.branches[i], rows, columns, {}, sums[i].all.count, sums[i].all.mean(), sums[i].kept.mean()};
    for (const Sum& cell : sums[i].cells)
      grid.means.push_back(cell.count == 0 ? std::nullopt : std::optional(cell.mean()));
    grids.push_back(std::move(grid));
  }
  return grids;
}

Interval wilson95(double mean, std::size_t count) {
  if (count == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(count);
  const double centre = (mean + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(mean * (1 - mean) / n + z * z / (4 * n * n));
  // Rounding must not push an end past the mean it surrounds.
  return {std::clamp(centre - half, 0.0, mean), std::clamp(centre + half, mean, 1.0)};
}

std::vector<Accuracy> accuracyOf(const Plan& plan, std::span<const Record> records, const Selection& selection) {
  struct Sums {
    Sum score, kept, nominal;
  };
  std::vector<Sums> sums(plan.branches.size());
  visitSelected(plan, records, selection, [&](std::size_t branch, const Record& record) {
    sums[branch].score.add(scoreOf(record, selection.score));
    sums[branch].kept.add(record.kept);
    sums[branch].nominal.add(record.budget_nominal);
  });
  std::vector<Accuracy> rows;
  for (std::size_t i = 0; i < sums.size(); ++i)
    rows.push_back({plan.branches[i], sums[i].score.count, sums[i].score.mean(),
                    wilson95(sums[i].score.mean(), sums[i].score.count), sums[i].kept.mean(), sums[i].nominal.mean()});
  return rows;
}

}  // namespace kvatlas::results
