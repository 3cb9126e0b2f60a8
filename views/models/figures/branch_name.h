// Names of branches (a method at a budget): selectors on the command line and titles in figures.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kvatlas::views {

struct BranchName {
  std::string method, label, budget;
  std::size_t index = 0;  // in its file
  bool is_full = false;
};

// "snapkv", "snapkv@128", a label or a number.
[[nodiscard]] bool selects(const std::string& selector, const BranchName& branch);
[[nodiscard]] bool selectsAny(const std::vector<std::string>& selectors,
                              const BranchName& branch);  // no selectors: true

// UsageError with the nearest names if a selector or budget matches no branch except full. `where`: "the trace".
void checkSelectors(const std::vector<BranchName>& branches, const std::vector<std::string>& selectors,
                    const std::string& where);
void checkBudgets(const std::vector<BranchName>& branches, const std::vector<std::string>& budgets,
                  const std::string& where);

// "SnapKV"; with the label's parameters, if any: "SnapKV (kernel=5)".
[[nodiscard]] std::string branchTitle(const BranchName& branch);

}  // namespace kvatlas::views
