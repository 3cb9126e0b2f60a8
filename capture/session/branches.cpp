#include "capture/session/branches.h"

#include <algorithm>
#include <chrono>

#include "core/runs/titles.h"

namespace kvatlas::capture {
namespace {

Branch makeBranch(const SessionOptions& options, const policy::Shape& shape, const policy::MethodRequest& request,
                  const policy::Budget& budget) {
  Branch branch;
  static_cast<runs::RunSetting&>(branch) = runs::makeRunSetting(request, budget, shape,
                                                                {.granularity = options.granularity,
                                                                 .preset = options.preset,
                                                                 .window = options.window,
                                                                 .follow = options.follow});
  branch.label = runs::labelOf(branch);
  return branch;
}

}  // namespace

std::vector<Branch> planBranches(const SessionOptions& options, const policy::Shape& shape) {
  std::vector<Branch> branches{
      makeBranch(options, shape, policy::parseMethod(runs::kFullMethod), policy::parseBudget("full"))};
  for (const policy::MethodRequest& request : options.methods) {
    if (request.method->name == runs::kFullMethod) continue;
    const std::vector<policy::Budget> whole{policy::parseBudget("full")};
    for (const policy::Budget& budget : request.method->keeps_everything ? whole : options.budgets) {
      Branch branch = makeBranch(options, shape, request, budget);
      const bool known =
          std::ranges::any_of(branches, [&](const Branch& other) { return other.label == branch.label; });
      if (!known) branches.push_back(std::move(branch));
    }
  }
  return branches;
}

void decideBranches(std::span<Branch> branches, std::span<const policy::LayerSignals> signals) {
  for (Branch& branch : branches) {
    const auto start = std::chrono::steady_clock::now();
    branch.decision = policy::decide(*branch.request.method, branch.setting, signals);
    branch.decide_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

}  // namespace kvatlas::capture
