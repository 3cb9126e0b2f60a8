// Tables made from records: scores by length and depth, accuracy by method and budget. Knows records and the plan only.
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
  std::string score;                    // a name of NeedleRecord::scores; empty: the run's own score
  std::string kind;                     // empty: all
  std::optional<std::uint64_t> length;  // empty: all
};

// The score of one record. UsageError naming the scores there are when it has no such score.
[[nodiscard]] double scoreOf(const NeedleRecord& record, std::string_view name);

// One branch: mean score per length and depth over kinds and trials.
struct Grid {
  Branch branch;
  std::vector<std::uint64_t> lengths;  // as in the plan
  std::vector<double> depths;
  std::vector<std::optional<double>> means;  // [length][depth]; empty where no case was run
  std::size_t records = 0;
  double average = 0;  // over records; 0 without any
  double kept = 0;     // tokens per head, mean over records

  [[nodiscard]] const std::optional<double>& at(std::size_t length, std::size_t depth) const {
    return means.at(length * depths.size() + depth);
  }
};

// One grid per branch, in the order of the plan.
[[nodiscard]] std::vector<Grid> gridsOf(const Plan& plan, std::span<const NeedleRecord> records,
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
[[nodiscard]] std::vector<Accuracy> accuracyOf(const Plan& plan, std::span<const NeedleRecord> records,
                                               const Selection& selection = {});

}  // namespace kvatlas::results
