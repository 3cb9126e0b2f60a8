#include "core/results/comparison.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "core/base/csv.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/suggest.h"

namespace kvatlas::results {
namespace {

// The facets that name a set: the grouping one, and buckets or RULER's lengths.
std::vector<std::string> setFacets(const Plan& plan) {
  std::vector<std::string> names;
  if (const FacetSpec* grouping = plan.grouping()) names.push_back(grouping->name);
  if (plan.has("bucket")) names.emplace_back("bucket");
  if (plan.task == "ruler" && plan.facet("length").values.size() > 1) names.emplace_back("length");
  return names;
}

std::string nameOf(const Facets& of_case, const std::vector<std::string>& facets, const std::string& otherwise) {
  std::string set;
  for (const std::string& facet : facets)
    if (const FacetValue* value = of_case.find(facet)) set.append(set.empty() ? "" : " ").append(printFacet(*value));
  return set.empty() ? otherwise : set;
}

using Scores = std::map<std::string, double>;  // by case

struct Gathered {
  std::vector<std::string> sets;            // in the order of the records
  std::vector<std::vector<Scores>> scores;  // [branch][set]
  std::vector<double> kept;                 // [branch] sum
};

Gathered gather(const Plan& plan, std::span<const Record> records, std::string_view score) {
  using Key = std::tuple<std::string, std::string, std::string>;
  std::map<Key, std::size_t> branches;
  for (const Branch& branch : plan.branches)
    branches.try_emplace({branch.method, branch.label, branch.budget}, branches.size());
  const std::vector<std::string> facets = setFacets(plan);
  Gathered found{.scores = std::vector<std::vector<Scores>>(plan.branches.size()),
                 .kept = std::vector<double>(plan.branches.size())};
  std::map<std::string, std::size_t> places;
  for (const Record& record : records) {
    const auto branch = branches.find({record.method, record.label, record.budget});
    if (branch == branches.end()) continue;
    const std::string name = nameOf(record.facets, facets, plan.task);
    const auto [place, added] = places.try_emplace(name, found.sets.size());
    if (added) {
      found.sets.push_back(name);
      for (auto& sets : found.scores) sets.emplace_back();
    }
    found.scores[branch->second][place->second][record.case_id] = scoreOf(record, score);
    found.kept[branch->second] += record.kept;
  }
  return found;
}

double meanOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Means of resamples of one set's differences, the same draws for every branch.
std::vector<double> resampledMeans(const std::vector<double>& differences, std::uint64_t set) {
  std::vector<double> means;
  for (std::uint64_t resample = 0; resample < kResamples; ++resample) {
    Random random(0, {set, resample});
    double sum = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) sum += differences[random.below(differences.size())];
    means.push_back(sum / static_cast<double>(differences.size()));
  }
  return means;
}

Difference differenceOf(double mean, std::vector<double> resampled, std::size_t count) {
  constexpr double kTail = 0.025;
  std::ranges::sort(resampled);
  const auto at = static_cast<std::size_t>(kTail * static_cast<double>(resampled.size()));
  const Interval interval{resampled[at], resampled[resampled.size() - 1 - at]};
  return {mean, interval, count >= kLeastMarked && (interval.low > 0 || interval.high < 0)};
}

// Fills the cells of one branch and their average; full: the same sets of the full cache.
void fill(const std::vector<Scores>& sets, const std::vector<Scores>* full, ComparedBranch& row) {
  std::vector<double> means, differences, average(kResamples, 0);
  std::size_t count = 0;
  bool single = false;  // whether a set has one prompt, which says nothing about its spread
  for (std::size_t set = 0; set < sets.size(); ++set) {
    std::vector<double> values, paired;
    for (const auto& [id, value] : sets[set]) {
      values.push_back(value);
      if (full != nullptr)
        if (const auto other = (*full)[set].find(id); other != (*full)[set].end())
          paired.push_back(value - other->second);
    }
    ComparedCell cell{.count = values.size(), .mean = meanOf(values)};
    if (!values.empty()) means.push_back(cell.mean);
    if (!paired.empty()) {
      const std::vector<double> resampled = resampledMeans(paired, set);
      for (std::size_t i = 0; i < resampled.size(); ++i) average[i] += resampled[i];
      differences.push_back(meanOf(paired));
      count += paired.size();
      cell.difference = differenceOf(differences.back(), resampled, paired.size());
      if (paired.size() == 1) cell.difference->interval.reset();
      single = single || paired.size() == 1;
    }
    row.average.count += values.size();
    row.cells.push_back(std::move(cell));
  }
  row.average.mean = meanOf(means);
  if (differences.empty()) return;
  for (double& value : average) value /= static_cast<double>(differences.size());
  row.average.difference = differenceOf(meanOf(differences), average, count);
  if (single) row.average.difference = Difference{.mean = meanOf(differences)};
}

std::optional<double> numberIn(const std::string& cell, const std::string& where, const std::string& column) {
  if (cell.find_first_not_of(" \t") == std::string::npos) return std::nullopt;
  const auto begin = cell.find_first_not_of(' '), end = cell.find_last_not_of(' ') + 1;
  double value = 0;
  const auto read = std::from_chars(cell.data() + begin, cell.data() + end, value);
  if (read.ec != std::errc{} || read.ptr != cell.data() + end)
    fail("{}: column '{}': expected a number, found '{}'", where, column, cell.substr(0, 40));
  return value;
}

}  // namespace

std::string setOf(const Plan& plan, const Facets& facets) {
  return nameOf(facets, setFacets(plan), plan.task);
}

Comparison compare(const Plan& plan, std::span<const Record> records, std::string_view score) {
  const Gathered found = gather(plan, records, score);
  Comparison comparison{.sets = found.sets};
  for (std::size_t i = 0; i < plan.branches.size(); ++i) {
    ComparedBranch row{.branch = plan.branches[i]};
    fill(found.scores[i], i == 0 ? nullptr : &found.scores.front(), row);
    if (row.average.count > 0) row.kept = found.kept[i] / static_cast<double>(row.average.count);
    comparison.branches.push_back(std::move(row));
  }
  return comparison;
}

std::vector<BesideRow> readBeside(const std::string& csv, const std::string& where,
                                  const std::vector<std::string>& sets) {
  const std::vector<std::vector<std::string>> lines = parseCsv(csv, where);
  if (lines.empty() || lines.front().size() < 2)
    fail("{}: expected a first line 'name,{},…'", where, sets.empty() ? "set" : sets.front());
  std::vector<std::size_t> places;
  for (std::size_t column = 1; column < lines.front().size(); ++column) {
    const std::string& name = lines.front()[column];
    const auto found = std::ranges::find(sets, name);
    if (found == sets.end())
      fail("{}:1: column '{}': the results have no such set{}", where, name, suggestion(name, sets));
    places.push_back(static_cast<std::size_t>(found - sets.begin()));
  }
  std::vector<BesideRow> rows;
  for (std::size_t line = 1; line < lines.size(); ++line) {
    const std::string place = fmt::format("{}:{}", where, line + 1);
    if (lines[line].size() != lines.front().size())
      fail("{}: {} cells, the first line has {}", place, lines[line].size(), lines.front().size());
    BesideRow row{.name = lines[line].front(), .values = std::vector<std::optional<double>>(sets.size())};
    for (std::size_t column = 1; column < lines[line].size(); ++column)
      row.values[places[column - 1]] = numberIn(lines[line][column], place, lines.front()[column]);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kvatlas::results
