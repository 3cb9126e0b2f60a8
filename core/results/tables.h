// Tables made from records: scores by two facets, accuracy by method and budget. Knows records and the plan only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/results/record.h"
#include "core/results/settings.h"

namespace kvatlas::results {

// Which records count, and by which score.
struct Selection {
  std::string score;  // a name of Record::scores; empty: the run's own score
  Facets where;       // what the case must have; empty: all
};

// The score of one record. UsageError naming the scores there are when it has no such score.
[[nodiscard]] double scoreOf(const Record& record, std::string_view name);

// One branch: mean score per value of two facets over all others, as length and depth.
struct Grid {
  Branch branch;
  std::vector<FacetValue> rows, columns;     // as in the plan
  std::vector<std::optional<double>> means;  // [row][column]; empty where no case was run
  std::size_t records = 0;
  double average = 0;  // over records; 0 without any
  double kept = 0;     // tokens per head, mean over records

  [[nodiscard]] const std::optional<double>& at(std::size_t row, std::size_t column) const {
    return means.at(row * columns.size() + column);
  }
};

// The facets whose values are the rows and columns of a grid.
struct GridAxes {
  std::string_view rows, columns;
};
inline constexpr GridAxes kLengthByDepth{"length", "depth"};

// One grid per branch, in the order of the plan. Error: the plan has no such facet.
[[nodiscard]] std::vector<Grid> gridsOf(const Plan& plan, std::span<const Record> records, const GridAxes& axes,
                                        const Selection& selection = {});

struct Interval {
  double low = 0, high = 0;
};

// Wilson's 95 % interval of a share of `count` trials. Scores between 0 and 1 count as shares, which makes the interval
// of a graded score wider than it need be, never narrower. 0 … 1 without any trial.
[[nodiscard]] Interval wilson95(double mean, std::size_t count);

struct Accuracy {
  Branch branch;
  std::size_t records = 0;
  double mean = 0;
  Interval interval;
  double kept = 0;     // tokens per head, mean over records
  double nominal = 0;  // of the budget, mean over records
};

// One row per branch, in the order of the plan; branches without a record have records == 0.
[[nodiscard]] std::vector<Accuracy> accuracyOf(const Plan& plan, std::span<const Record> records,
                                               const Selection& selection = {});

}  // namespace kvatlas::results
