#include "views/models/figures/run_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/runs/titles.h"
#include "views/models/figures/branch_name.h"
#include "views/models/palette.h"

namespace kvatlas::views {
namespace {

std::string methodAtBudget(const trace::RunHeader& run) {
  return runs::selectorOf(run.method, run.budget);
}

std::vector<BranchName> namesOf(const std::vector<trace::RunHeader>& runs) {
  std::vector<BranchName> names;
  for (const trace::RunHeader& run : runs)
    names.push_back({run.method, run.label, run.budget, names.size(), run.is_full});
  return names;
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
    run.title = runTitle(run.header, run.index, twins > 1);
  }
}

void collectBudgets(RunChoice& choice) {
  std::vector<std::pair<double, std::string>> sizes;
  for (const ChosenRun& run : choice.runs) {
    const auto same = [&](const auto& size) { return size.second == run.header.budget; };
    if (std::none_of(sizes.begin(), sizes.end(), same))
      sizes.emplace_back(run.header.budget_nominal, run.header.budget);
  }
  std::stable_sort(sizes.begin(), sizes.end());
  for (auto& size : sizes) choice.budgets.push_back(std::move(size.second));
}

RunChoice collectRuns(const trace::Reader& reader, const std::vector<std::string>& selectors,
                      const std::vector<std::string>& budgets) {
  const std::vector<trace::RunHeader>& headers = reader.header().runs;
  const std::vector<BranchName> names = namesOf(headers);
  RunChoice choice;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const trace::RunHeader& run = headers[i];
    if (run.is_full || !selectsAny(selectors, names[i])) continue;
    if (!budgets.empty() && std::find(budgets.begin(), budgets.end(), run.budget) == budgets.end()) continue;
    if (std::optional<trace::RunRecord> record = reader.run(i)) {
      checkShape(reader, i, run, *record);
      choice.runs.push_back({i, run, std::move(*record), {}});
    } else {
      choice.warnings.push_back(fmt::format("run {} ({}) was not finished and is not drawn", i, methodAtBudget(run)));
    }
  }
  nameRuns(choice.runs);
  collectBudgets(choice);
  return choice;
}

}  // namespace

std::string runTitle(const trace::RunHeader& run, std::size_t index, bool has_twin) {
  const std::string title = methodTitle(run.method);
  return has_twin ? fmt::format("{} ({})", title, run.label.empty() ? std::to_string(index) : run.label) : title;
}

std::vector<RunChoice> chooseRuns(const Traces& traces, const std::vector<std::string>& selectors,
                                  const std::vector<std::string>& budgets) {
  std::vector<BranchName> names;
  for (const trace::Reader* trace : traces)
    for (BranchName& name : namesOf(trace->header().runs)) names.push_back(std::move(name));
  const char* where = traces.size() == 1 ? "the trace" : "the traces";
  checkSelectors(names, selectors, where);
  checkBudgets(names, budgets, where);
  std::vector<RunChoice> choices;
  bool any = false;
  for (const trace::Reader* trace : traces) {
    choices.push_back(collectRuns(*trace, selectors, budgets));
    any = any || !choices.back().runs.empty();
  }
  if (!any) fail("{}: holds no finished run of an eviction method to draw", traces.front()->path().string());
  return choices;
}

RunChoice chooseRuns(const trace::Reader& reader, const std::vector<std::string>& selectors,
                     const std::vector<std::string>& budgets) {
  return std::move(chooseRuns(Traces{&reader}, selectors, budgets).front());
}

bool anyFinishedRun(const trace::Reader& reader) {
  const std::vector<trace::RunHeader>& headers = reader.header().runs;
  for (std::size_t i = 0; i < headers.size(); ++i)
    if (!headers[i].is_full && reader.run(i)) return true;
  return false;
}

std::vector<std::string> oneBudget(const Traces& traces, const std::vector<std::string>& selectors,
                                   const std::vector<std::string>& given) {
  if (!given.empty()) return given;
  for (const RunChoice& choice : chooseRuns(traces, selectors, {}))
    if (!choice.budgets.empty()) return {choice.budgets[(choice.budgets.size() - 1) / 2]};
  fail("no finished run to draw");
}

}  // namespace kvatlas::views
