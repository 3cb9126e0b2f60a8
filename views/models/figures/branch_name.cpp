#include "views/models/figures/branch_name.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/runs/titles.h"

namespace kvatlas::views {
namespace {

std::string methodAtBudget(const BranchName& branch) {
  return runs::selectorOf(branch.method, branch.budget);
}

void addOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::vector<std::string> selectorNames(const std::vector<BranchName>& branches) {
  std::vector<std::string> names;
  for (const BranchName& branch : branches)
    if (!branch.is_full) addOnce(names, branch.method);
  for (const BranchName& branch : branches)
    if (!branch.is_full) addOnce(names, methodAtBudget(branch));
  return names;
}

}  // namespace

bool selects(const std::string& selector, const BranchName& branch) {
  return selector == branch.method || selector == branch.label || selector == methodAtBudget(branch) ||
         selector == std::to_string(branch.index);
}

bool selectsAny(const std::vector<std::string>& selectors, const BranchName& branch) {
  return selectors.empty() ||
         std::any_of(selectors.begin(), selectors.end(), [&](const std::string& one) { return selects(one, branch); });
}

void checkSelectors(const std::vector<BranchName>& branches, const std::vector<std::string>& selectors,
                    const std::string& where) {
  for (const std::string& selector : selectors) {
    const auto found = [&](const BranchName& branch) { return !branch.is_full && selects(selector, branch); };
    if (std::none_of(branches.begin(), branches.end(), found))
      failUsage("--runs: no run '{}' in {}{}", selector, where, suggestion(selector, selectorNames(branches)));
  }
}

void checkBudgets(const std::vector<BranchName>& branches, const std::vector<std::string>& budgets,
                  const std::string& where) {
  std::vector<std::string> known;
  for (const BranchName& branch : branches)
    if (!branch.is_full) addOnce(known, branch.budget);
  for (const std::string& budget : budgets)
    if (std::find(known.begin(), known.end(), budget) == known.end())
      failUsage("--budget: no run with budget '{}' in {}{}", budget, where, suggestion(budget, known));
}

std::string branchTitle(const BranchName& branch) {
  return runs::labelTitle(branch.method, branch.label);
}

}  // namespace kvatlas::views
