// The first layers keep everything, the others share what is left of the budget (the L2-norm method, Devoto et al.,
// arXiv:2406.11430, leaves two layers alone).
#include <algorithm>

#include "core/policy/allocation.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "skip",
                                          .values = "a whole number from 0 to 65536",
                                          .default_value = "2",
                                          .paper_value = "2",
                                          .meaning = "first layers, which keep everything",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 0,
                                          .highest = 65536,
                                          .changes_score = false,
                                          .kvpress_value = "0"}};

std::uint32_t skipped(const Setting& setting) {
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(integerParameter(setting, "skip"), std::int64_t{setting.shape.layers}));
}

// Tokens per head of a first layer: all, if that leaves the other layers half of the budget; else what does.
std::uint64_t keptWhole(const Setting& setting, std::uint64_t whole) {
  const std::uint64_t others = setting.shape.layers - whole;
  const std::uint64_t least = std::max<std::uint64_t>((setting.budget + 1) / 2, setting.recent + 1);
  return std::min<std::uint64_t>(setting.shape.tokens,
                                 (setting.budget * setting.shape.layers - others * least) / whole);
}

// Published code adds the untouched layers to its budget.
std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  const std::uint64_t whole = skipped(setting), lists = setting.heads();
  const bool exact = setting.preset != Preset::Paper;
  if (whole == 0 || (whole == setting.shape.layers && exact)) return allocateUniform(setting, scores);
  std::uint64_t first = setting.shape.tokens, others = setting.budget * (setting.shape.layers - whole);
  if (exact) {
    first = keptWhole(setting, whole);
    others = setting.budget * setting.shape.layers - first * whole;
  }
  std::vector<std::uint32_t> capacity(whole * lists, static_cast<std::uint32_t>(first));
  for (const std::uint64_t kept : spread(others * lists, (setting.shape.layers - whole) * lists, setting.shape.tokens))
    capacity.push_back(static_cast<std::uint32_t>(kept));
  return capacity;
}

}  // namespace

AllocatePart skipAllocation() {
  return {.name = "skip",
          .meaning = "the first layers keep everything, the others the same number",
          .parameters = kParameters,
          .allocate = allocate};
}

}  // namespace kvatlas::policy
