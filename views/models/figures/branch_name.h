// How people name branches (a method at a budget) on the command line and how figures title them; strings only.
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
[[nodiscard]] bool selectsAny(const std::vector<std::string>& selectors, const BranchName& branch);  // none given: yes

// UsageError with the nearest names when a selector or budget fits no branch but the full one. `where`: "the trace".
void checkSelectors(const std::vector<BranchName>& branches, const std::vector<std::string>& selectors,
                    const std::string& where);
void checkBudgets(const std::vector<BranchName>& branches, const std::vector<std::string>& budgets,
                  const std::string& where);

// "SnapKV"; with the parameters behind it where the label has some: "SnapKV (kernel=5)".
[[nodiscard]] std::string branchTitle(const BranchName& branch);

}  // namespace kvatlas::views
