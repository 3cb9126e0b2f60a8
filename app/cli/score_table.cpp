#include "app/cli/score_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/results/comparison.h"
#include "core/results/tables.h"

namespace kvatlas::app {
namespace {

using results::Accuracy;
using results::Facets;
using results::Selection;

constexpr const char* kRouge = "rouge1_f";
constexpr const char* kQuestions = "questions";

bool isPaper(const results::ResultsReader& results) {
  return results.settings().values().value("protocol", "") == "paper";
}

std::vector<Accuracy> rowsOf(const results::ResultsReader& results, const Selection& selection) {
  return results::accuracyOf(results.settings().plan(), results.records(), selection);
}

// One selection per value of the facet that splits the tables; without such a facet, one of everything.
std::vector<Facets> partsOf(const results::Plan& plan) {
  const results::FacetSpec* grouping = plan.grouping();
  if (grouping == nullptr) return {Facets{}};
  std::vector<Facets> parts;
  for (const results::FacetValue& value : grouping->values) parts.push_back({{grouping->name, value}});
  return parts;
}

std::string tableOf(const results::ResultsReader& results, const Facets& part) {
  const std::vector<Accuracy> rows = rowsOf(results, {.where = part});
  const std::vector<Accuracy> rouge = isPaper(results) ? rowsOf(results, {.score = kRouge, .where = part}) : rows;
  std::size_t width = 6;
  for (const Accuracy& row : rows) width = std::max(width, row.branch.label.size());
  std::string table = fmt::format("{:<{}}  {:>6}  {:>9}  {:>7}  {:>13}  {:>5}{}\n", "method", width, "budget",
                                  "kept/head", "score", "95 % interval", "n", isPaper(results) ? "  ROUGE-1 ×10" : "");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Accuracy& row = rows[i];
    if (row.records == 0) continue;
    table += fmt::format("{:<{}}  {:>6}  {:>9.1f}  {:>5.1f} %  {:>5.1f} – {:>5.1f}  {:>5}", row.branch.label, width,
                         row.branch.budget == "full" ? "" : row.branch.budget, row.kept, 100 * row.mean,
                         100 * row.interval.low, 100 * row.interval.high, row.records);
    table += isPaper(results) ? fmt::format("  {:>11.2f}\n", 10 * rouge[i].mean) : "\n";
  }
  return table;
}

// "41.0" or, of an empty cell, "–".
std::string meanText(const results::ComparedCell& cell) {
  return cell.count == 0 ? "–" : fmt::format("{:.1f}", 100 * cell.mean);
}

std::string averagesOf(const results::Comparison& comparison) {
  std::size_t width = 6;
  for (const auto& row : comparison.branches) width = std::max(width, row.branch.label.size());
  std::string table = fmt::format("    {:<{}}  {:>6}  {:>9}  {:>7}  {:>10}  {:>15}\n", "method", width, "budget",
                                  "kept/head", "average", "difference", "95 % interval");
  for (std::size_t i = 0; i < comparison.branches.size(); ++i) {
    const auto& row = comparison.branches[i];
    table += fmt::format("{:>3} {:<{}}  {:>6}  {:>9.1f}  {:>7}", i + 1, row.branch.label, width,
                         row.branch.budget == "full" ? "" : row.branch.budget, row.kept, meanText(row.average));
    if (const auto& difference = row.average.difference) {
      table += fmt::format("  {:>+9.1f}{}", 100 * difference->mean, difference->marked ? "*" : " ");
      if (const auto& interval = difference->interval)
        table += fmt::format("  {:>+6.1f} … {:>+6.1f}", 100 * interval->low, 100 * interval->high);
    }
    table += "\n";
  }
  return table;
}

// The average of every branch with its difference to the full cache, then all sets; columns are branches by number.
std::string comparisonTable(const results::ResultsReader& results) {
  const results::Comparison comparison = results::compare(results.settings().plan(), results.records());
  std::string table = averagesOf(comparison);
  std::size_t width = 3;
  for (const std::string& set : comparison.sets) width = std::max(width, set.size());
  table += fmt::format("\n{:<{}}  {:>4}", "set", width, "n");
  for (std::size_t i = 0; i < comparison.branches.size(); ++i) table += fmt::format("  {:>5}", i + 1);
  table += "\n";
  for (std::size_t set = 0; set < comparison.sets.size(); ++set) {
    table += fmt::format("{:<{}}  {:>4}", comparison.sets[set], width, comparison.branches.front().cells[set].count);
    for (const auto& row : comparison.branches) table += fmt::format("  {:>5}", meanText(row.cells[set]));
    table += "\n";
  }
  return table;
}

}  // namespace

std::string scoreTable(const results::ResultsReader& results) {
  const results::Plan& plan = results.settings().plan();
  if (plan.task != results::kNeedleTask && plan.task != kQuestions) return comparisonTable(results);
  const std::vector<Facets> parts = partsOf(results.settings().plan());
  if (parts.size() == 1) return tableOf(results, parts.front());
  std::string text;
  for (const Facets& part : parts)
    text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", results::printFacet(part.begin()->second),
                        tableOf(results, part));
  return text;
}

nlohmann::json scoreJson(const results::ResultsReader& results) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Facets& part : partsOf(results.settings().plan()))
    for (const Accuracy& row : rowsOf(results, {.where = part})) {
      rows.push_back({{"method", row.branch.method},
                      {"label", row.branch.label},
                      {"budget", row.branch.budget},
                      {"kept", row.kept},
                      {"score", row.mean},
                      {"low", row.interval.low},
                      {"high", row.interval.high},
                      {"n", row.records}});
      for (const auto& [name, value] : part) rows.back()[name] = std::get<std::string>(value);
    }
  return {{"results", results.folder().string()},
          {"settings_sha256", results.settings().sha256()},
          {"score", results.settings().values().value("score", "")},
          {"cases", results.casesDone()},
          {"cases_planned", results.casesPlanned()},
          {"rows", rows}};
}

}  // namespace kvatlas::app
