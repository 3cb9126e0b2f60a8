#include "capture/session/branches.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace kvatlas::capture {
namespace {

Branch makeBranch(const SessionOptions& options, const policy::Shape& shape, const policy::MethodRequest& request,
                  const policy::Budget& budget) {
  Branch branch{.request = request, .budget = budget};
  // The full cache is the same for every granularity: one list per KV head.
  const bool full = request.method->name == "full";
  branch.setting = policy::makeSetting(request, shape, budget, full ? policy::Granularity::KvHead : options.granularity,
                                       options.preset, options.window);
  std::string given;
  for (const auto& [name, value] : request.given)
    given += fmt::format("{}{}={}", given.empty() ? ":" : ",", name, value);
  branch.label = full ? "full" : fmt::format("{}{} {}", request.method->name, given, budget.text);
  return branch;
}

}  // namespace

std::vector<Branch> planBranches(const SessionOptions& options, const policy::Shape& shape) {
  std::vector<Branch> branches{makeBranch(options, shape, policy::parseMethod("full"), policy::parseBudget("full"))};
  for (const policy::MethodRequest& request : options.methods) {
    if (request.method->name == "full") continue;
    for (const policy::Budget& budget : options.budgets) {
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

std::uint64_t cacheBytes(const policy::Decision& decision, std::uint32_t head_dim, std::size_t element_bytes) {
  return std::uint64_t{2} * decision.positions.size() * head_dim * element_bytes;
}

}  // namespace kvatlas::capture
