// The table papers print: every branch's mean score on every set, and its difference to the full cache on the same
// prompts with an interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/results/record.h"
#include "core/results/settings.h"
#include "core/results/tables.h"

namespace kvatlas::results {

// A branch minus the full cache, prompt by prompt.
struct Difference {
  double mean = 0;
  std::optional<Interval> interval;  // 95 %, percentiles of a paired bootstrap; none of a set with one prompt
  bool marked = false;               // the interval excludes 0, of at least kLeastMarked prompts
};
// Below, percentiles of a bootstrap are too narrow to mark anything.
inline constexpr std::size_t kLeastMarked = 10;
inline constexpr std::uint64_t kResamples = 2000;

struct ComparedCell {
  std::size_t count = 0;
  double mean = 0;                       // 0 without a record
  std::optional<Difference> difference;  // of the full cache itself and of empty cells: none
};

struct ComparedBranch {
  Branch branch;
  double kept = 0;                  // tokens per head, mean over its records
  std::vector<ComparedCell> cells;  // by set
  ComparedCell average;             // of the sets' means, as published; over sets with a record
};

struct Comparison {
  std::vector<std::string>
      sets;  // "hotpotqa"; where the run has several lengths or buckets, "vt 4096", "qasper_e 0-4k"
  std::vector<ComparedBranch> branches;  // in the order of the plan, the full cache first
};

// The set of a case with these facets, as in Comparison::sets.
[[nodiscard]] std::string setOf(const Plan& plan, const Facets& facets);

// The same records give the same intervals: the resamples are seeded. UsageError: an unknown score.
[[nodiscard]] Comparison compare(const Plan& plan, std::span<const Record> records, std::string_view score = {});

// Rows of numbers from elsewhere: "name,set,set,…", then one row each; an empty cell is no number.
struct BesideRow {
  std::string name;
  std::vector<std::optional<double>> values;  // by set of the comparison, on the scale of the file
};
// Error names the line and the column: no such set, no number.
[[nodiscard]] std::vector<BesideRow> readBeside(const std::string& csv, const std::string& where,
                                                const std::vector<std::string>& sets);

}  // namespace kvatlas::results
