#include "views/models/run_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "views/models/palette.h"

namespace kvatlas::views {
namespace {

std::string methodAtBudget(const trace::RunHeader& run) {
  return run.method + "@" + run.budget;
}

bool matches(const std::string& selector, std::size_t index, const trace::RunHeader& run) {
  return selector == run.method || selector == run.label || selector == methodAtBudget(run) ||
         selector == std::to_string(index);
}

std::vector<std::string> runNames(const std::vector<trace::RunHeader>& runs) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const trace::RunHeader& run : runs)
    if (!run.is_full) add(run.method);
  for (const trace::RunHeader& run : runs)
    if (!run.is_full) add(methodAtBudget(run));
  return names;
}

void checkSelectors(const std::vector<trace::RunHeader>& runs, const std::vector<std::string>& selectors) {
  for (const std::string& selector : selectors) {
    bool found = false;
    for (std::size_t i = 0; i < runs.size(); ++i) found = found || (!runs[i].is_full && matches(selector, i, runs[i]));
    if (!found) failUsage("--runs: no run '{}' in the trace{}", selector, suggestion(selector, runNames(runs)));
  }
}

void checkBudgets(const std::vector<trace::RunHeader>& runs, const std::vector<std::string>& budgets) {
  std::vector<std::string> known;
  for (const trace::RunHeader& run : runs)
    if (!run.is_full && std::find(known.begin(), known.end(), run.budget) == known.end()) known.push_back(run.budget);
  for (const std::string& budget : budgets)
    if (std::find(known.begin(), known.end(), budget) == known.end())
      failUsage("--budget: no run with budget '{}' in the trace{}", budget, suggestion(budget, known));
}

// What everything that draws a run relies on.
void checkShape(const trace::Reader& reader, std::size_t index, const trace::RunHeader& run,
                const trace::RunRecord& record) {
  const trace::ModelInfo& model = reader.header().model;
  const std::size_t heads = std::size_t{model.layers} * run.heads;
  const bool heads_fit = run.heads > 0 && run.heads <= model.query_heads && model.query_heads % run.heads == 0;
  if (!heads_fit || record.capacity.size() != heads || record.kept_offsets.size() != heads + 1)
    fail("{}: /runs/{:03}: its tables do not fit {} layers of {} heads", reader.path().string(), index, model.layers,
         run.heads);
}

// Two runs of one method at one budget differ in their parameters: their labels tell them apart.
void nameRuns(std::vector<ChosenRun>& runs) {
  for (ChosenRun& run : runs) {
    const auto twins = std::count_if(runs.begin(), runs.end(), [&](const ChosenRun& other) {
      return methodAtBudget(other.header) == methodAtBudget(run.header);
    });
    run.title = methodTitle(run.header.method);
    if (twins > 1)
      run.title += fmt::format(" ({})", run.header.label.empty() ? std::to_string(run.index) : run.header.label);
  }
}

}  // namespace

RunChoice chooseRuns(const trace::Reader& reader, const std::vector<std::string>& selectors,
                     const std::vector<std::string>& budgets) {
  const std::vector<trace::RunHeader>& headers = reader.header().runs;
  checkSelectors(headers, selectors);
  checkBudgets(headers, budgets);
  RunChoice choice;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const trace::RunHeader& run = headers[i];
    const auto wanted = [&](const std::string& selector) { return matches(selector, i, run); };
    if (run.is_full || (!selectors.empty() && std::none_of(selectors.begin(), selectors.end(), wanted))) continue;
    if (!budgets.empty() && std::find(budgets.begin(), budgets.end(), run.budget) == budgets.end()) continue;
    if (std::optional<trace::RunRecord> record = reader.run(i)) {
      checkShape(reader, i, run, *record);
      choice.runs.push_back({i, run, std::move(*record), {}});
    } else {
      choice.warnings.push_back(fmt::format("run {} ({}) was not finished and is not drawn", i, methodAtBudget(run)));
    }
  }
  if (choice.runs.empty()) fail("{}: holds no finished run of an eviction method to draw", reader.path().string());
  nameRuns(choice.runs);
  std::vector<std::pair<double, std::string>> sizes;
  for (const ChosenRun& run : choice.runs) {
    const auto same = [&](const auto& size) { return size.second == run.header.budget; };
    if (std::none_of(sizes.begin(), sizes.end(), same))
      sizes.emplace_back(run.header.budget_nominal, run.header.budget);
  }
  std::stable_sort(sizes.begin(), sizes.end());
  for (auto& size : sizes) choice.budgets.push_back(std::move(size.second));
  return choice;
}

bool anyFinishedRun(const trace::Reader& reader) {
  const std::vector<trace::RunHeader>& headers = reader.header().runs;
  for (std::size_t i = 0; i < headers.size(); ++i)
    if (!headers[i].is_full && reader.run(i)) return true;
  return false;
}

std::vector<std::string> oneBudget(const trace::Reader& reader, const std::vector<std::string>& selectors,
                                   const std::vector<std::string>& given) {
  if (!given.empty()) return given;
  const std::vector<std::string> all = chooseRuns(reader, selectors, {}).budgets;
  return {all[(all.size() - 1) / 2]};
}

std::size_t storedHead(const trace::RunHeader& run, const trace::ModelInfo& model, std::size_t query_head) {
  return query_head / (model.query_heads / std::max(1U, run.heads));
}

}  // namespace kvatlas::views
