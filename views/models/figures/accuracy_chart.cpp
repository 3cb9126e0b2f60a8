#include "views/models/figures/accuracy_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>

#include "core/base/error.h"
#include "core/results/comparison.h"
#include "views/models/figures/results_facts.h"
#include "views/models/number_text.h"

namespace kvatlas::views {
namespace {

struct Part {
  std::string title;
  results::Selection selection;
};

std::vector<Part> partsOf(const results::Plan& plan, const FigureSpec& spec) {
  std::vector<Part> parts;
  if (spec.by == AccuracyBy::All) parts.push_back({{}, {spec.score, {}}});
  if (spec.by == AccuracyBy::Kind)
    for (const std::string& kind : plan.texts("kind"))
      parts.push_back({"needle: " + kind, {spec.score, {{"kind", kind}}}});
  if (spec.by == AccuracyBy::Length) {
    std::vector<std::uint64_t> lengths = plan.wholes("length");
    std::sort(lengths.begin(), lengths.end());
    for (const std::uint64_t length : lengths)
      parts.push_back({fmt::format("context of {} tokens", grouped(length)), {spec.score, {{"length", length}}}});
  }
  return parts;
}

AccuracyLine& lineOf(AccuracyPanel& panel, const BranchName& branch) {
  for (AccuracyLine& line : panel.lines)
    if (line.label == branch.label) return line;
  panel.lines.push_back({branch.method, branch.label, branchTitle(branch), {}});
  return panel.lines.back();
}

void sortPoints(AccuracyPanel& panel) {
  for (AccuracyLine& line : panel.lines)
    std::stable_sort(line.points.begin(), line.points.end(),
                     [](const AccuracyPoint& a, const AccuracyPoint& b) { return a.x < b.x; });
}

void addPoint(AccuracyPanel& panel, const AccuracyPoint& point) {
  if (point.branch.is_full)
    panel.full = point;
  else
    lineOf(panel, point.branch).points.push_back(point);
}

AccuracyPanel panelOf(const results::Plan& plan, const results::ResultsReader& reader, const Part& part,
                      const std::vector<BranchName>& branches) {
  AccuracyPanel panel{part.title, {}, {}};
  const std::vector<results::Accuracy> table = results::accuracyOf(plan, reader.records(), part.selection);
  for (const BranchName& branch : branches)
    if (const results::Accuracy& row = table[branch.index]; row.records > 0)
      addPoint(panel, {branch, row.kept, row.kept, row.mean, row.interval, row.records});
  sortPoints(panel);
  return panel;
}

void findRange(AccuracyChart& chart, const std::string& where) {
  chart.least = std::numeric_limits<double>::infinity();
  for (const AccuracyPanel& panel : chart.panels)
    for (const AccuracyLine& line : panel.lines)
      for (const AccuracyPoint& point : line.points) {
        chart.least = std::min(chart.least, point.x);
        chart.most = std::max(chart.most, point.x);
      }
  if (!(chart.least > 0)) fail("{}: a run kept no tokens", where);
}

std::vector<double> nominalBudgets(const results::Plan& plan, const results::ResultsReader& reader,
                                   const std::vector<BranchName>& branches) {
  const std::vector<results::Accuracy> table = results::accuracyOf(plan, reader.records());
  std::vector<double> sizes;
  for (const BranchName& branch : branches)
    if (!branch.is_full && table[branch.index].records > 0) sizes.push_back(table[branch.index].nominal);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

AccuracyChart budgetChart(const results::ResultsReader& reader, const FigureSpec& spec,
                          const std::vector<Part>& parts) {
  const results::Plan& plan = reader.settings().plan();
  const std::vector<BranchName> branches = chooseBranches(reader, spec);
  AccuracyChart chart;
  for (const Part& part : parts) {
    AccuracyPanel panel = panelOf(plan, reader, part, branches);
    if (panel.full.records > 0) chart.panels.push_back(std::move(panel));
  }
  chart.ticks = nominalBudgets(plan, reader, branches);
  if (chart.ticks.empty())
    fail("{}: the results have only the full cache, so no score against budget", reader.folder().string());
  findRange(chart, reader.folder().string());
  return chart;
}

// Every branch is a line of its own: "SnapKV 128".
AccuracyLine branchLine(const BranchName& branch) {
  const std::string title = branch.is_full ? "full cache" : branchTitle(branch) + " " + branch.budget;
  return {branch.method, branch.label + "@" + branch.budget, title, {}};
}

// [branches] AccuracyLine::budget_place
std::vector<double> budgetPlaces(const std::vector<BranchName>& branches, const std::vector<results::Accuracy>& table) {
  std::vector<double> places;
  for (const BranchName& branch : branches) {
    std::set<double> budgets;
    for (const BranchName& other : branches)
      if (other.label == branch.label) budgets.insert(table[other.index].nominal);
    const auto rank = std::distance(budgets.begin(), budgets.find(table[branch.index].nominal));
    places.push_back(budgets.size() < 2 ? 0.5 : static_cast<double>(rank) / static_cast<double>(budgets.size() - 1));
  }
  return places;
}

// Mean over a branch's records of the bytes of its cache.
double bytesOf(const results::ResultsReader& reader, const results::Branch& branch) {
  double sum = 0;
  std::size_t count = 0;
  for (const results::Record& record : reader.records()) {
    if (record.label != branch.label || record.budget != branch.budget) continue;
    const auto bytes = record.details.find("cache_bytes");
    if (bytes == record.details.end())
      fail("{}: case {} does not say how large its cache is; run it again", reader.folder().string(), record.case_id);
    sum += results::numberOf(bytes->second);
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

AccuracyChart accuracyChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  return budgetChart(reader, spec, partsOf(reader.settings().plan(), spec));
}

AccuracyChart longbenchChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  const results::FacetSpec* sets = reader.settings().plan().grouping();
  if (sets == nullptr) fail("{}: the results have no sets", reader.folder().string());
  std::vector<Part> parts;
  for (const results::FacetValue& set : sets->values)
    parts.push_back({results::printFacet(set), {spec.score, {{sets->name, set}}}});
  return budgetChart(reader, spec, parts);
}

AccuracyChart rulerChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  const results::Plan& plan = reader.settings().plan();
  const results::FacetSpec* tasks = plan.grouping();
  if (tasks == nullptr) fail("{}: the results have no tasks", reader.folder().string());
  const std::vector<BranchName> branches = chooseBranches(reader, spec);
  const std::vector<double> places = budgetPlaces(branches, results::accuracyOf(plan, reader.records()));
  AccuracyChart chart;
  for (const results::FacetValue& task : tasks->values) {
    AccuracyPanel panel{.title = results::printFacet(task)};
    for (std::size_t i = 0; i < branches.size(); ++i) {
      panel.lines.push_back(branchLine(branches[i]));
      panel.lines.back().budget_place = places[i];
    }
    for (const std::uint64_t length : plan.wholes("length")) {
      const auto table =
          results::accuracyOf(plan, reader.records(), {spec.score, {{tasks->name, task}, {"length", length}}});
      for (std::size_t i = 0; i < branches.size(); ++i)
        if (const results::Accuracy& row = table[branches[i].index]; row.records > 0)
          panel.lines[i].points.push_back(
              {branches[i], static_cast<double>(length), row.kept, row.mean, row.interval, row.records});
    }
    sortPoints(panel);
    if (!panel.lines.front().points.empty()) chart.panels.push_back(std::move(panel));
  }
  for (const std::uint64_t length : plan.wholes("length")) chart.ticks.push_back(static_cast<double>(length));
  std::sort(chart.ticks.begin(), chart.ticks.end());
  findRange(chart, reader.folder().string());
  return chart;
}

AccuracyChart tradeoffChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  const results::Plan& plan = reader.settings().plan();
  const results::Comparison comparison = results::compare(plan, reader.records(), spec.score);
  AccuracyChart chart;
  AccuracyPanel panel;
  for (const BranchName& branch : chooseBranches(reader, spec)) {
    const results::ComparedBranch& row = comparison.branches[branch.index];
    if (row.average.count == 0) continue;
    AccuracyPoint point{branch, bytesOf(reader, row.branch), row.kept, row.average.mean, {}, row.average.count};
    point.interval = {point.mean, point.mean};
    if (const auto& difference = row.average.difference; difference && difference->interval) {
      const double full = comparison.branches.front().average.mean;
      point.interval = {full + difference->interval->low, full + difference->interval->high};
    }
    addPoint(panel, point);
  }
  sortPoints(panel);
  if (panel.lines.empty()) fail("{}: the results have only the full cache", reader.folder().string());
  chart.panels.push_back(std::move(panel));
  findRange(chart, reader.folder().string());
  chart.most = std::max(chart.most, chart.panels.front().full.x);
  return chart;
}

}  // namespace kvatlas::views
