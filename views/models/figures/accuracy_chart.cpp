#include "views/models/figures/accuracy_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
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

AccuracyPanel panelOf(const results::Plan& plan, const results::ResultsReader& reader, const Part& part,
                      const std::vector<BranchName>& branches) {
  AccuracyPanel panel{part.title, {}, {}};
  const std::vector<results::Accuracy> table = results::accuracyOf(plan, reader.records(), part.selection);
  for (const BranchName& branch : branches) {
    const results::Accuracy& row = table[branch.index];
    if (row.records == 0) continue;
    const AccuracyPoint point{branch, row.kept, row.mean, row.interval, row.records};
    if (branch.is_full) {
      panel.full = point;
    } else {
      lineOf(panel, branch).points.push_back(point);
    }
  }
  for (AccuracyLine& line : panel.lines)
    std::stable_sort(line.points.begin(), line.points.end(),
                     [](const AccuracyPoint& a, const AccuracyPoint& b) { return a.kept < b.kept; });
  return panel;
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

}  // namespace

AccuracyChart accuracyChart(const results::ResultsReader& reader, const FigureSpec& spec) {
  const results::Plan& plan = reader.settings().plan();
  const std::vector<BranchName> branches = chooseBranches(reader, spec);
  AccuracyChart chart;
  for (const Part& part : partsOf(plan, spec)) {
    AccuracyPanel panel = panelOf(plan, reader, part, branches);
    if (panel.full.records > 0) chart.panels.push_back(std::move(panel));
  }
  chart.budgets = nominalBudgets(plan, reader, branches);
  if (chart.budgets.empty())
    fail("{}: holds the full cache only; there is no score against a budget", reader.folder().string());
  chart.least_kept = std::numeric_limits<double>::infinity();
  for (const AccuracyPanel& panel : chart.panels)
    for (const AccuracyLine& line : panel.lines)
      for (const AccuracyPoint& point : line.points) {
        chart.least_kept = std::min(chart.least_kept, point.kept);
        chart.most_kept = std::max(chart.most_kept, point.kept);
      }
  if (!(chart.least_kept > 0)) fail("{}: a run kept no token at all", reader.folder().string());
  return chart;
}

}  // namespace kvatlas::views
