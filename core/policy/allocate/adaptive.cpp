// Each layer's budget goes to the heads by their scores (AdaKV, Feng et al., arXiv:2407.11550): a head gets as many
// tokens as it has among the best scores of all heads of its layer, and at least a floor.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/policy/allocation.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "floor",
                                          .values = "a number from 0 to 1",
                                          .default_value = "0.2",
                                          .paper_value = "0.2",
                                          .meaning = "share of the budget that every head gets",
                                          .kind = ParameterKind::Number,
                                          .lowest = 0,
                                          .highest = 1,
                                          .changes_score = false},
                                         {.name = "safeguard",
                                          .values = "mix|top",
                                          .default_value = "mix",
                                          .paper_value = "mix",
                                          .meaning = "mix: the floor, and shares of the rest; top: at least the floor",
                                          .changes_score = false,
                                          .kvpress_value = "top"},
                                         {.name = "normalise",
                                          .values = "on|off",
                                          .default_value = "on",
                                          .paper_value = "on",
                                          .meaning = "scores of a head times the share that its best hold",
                                          .changes_score = false,
                                          .kvpress_value = "off"},
                                         {.name = "layers",
                                          .values = "uniform|pyramid",
                                          .default_value = "uniform",
                                          .paper_value = "uniform",
                                          .meaning = "how the budget is spread over layers",
                                          .changes_score = false},
                                         kBetaParameter};

// What one layer gives to its heads, besides the recent tokens.
struct LayerBudget {
  const Setting& setting;
  std::uint32_t each = 0;   // mean over the heads
  std::uint32_t floor = 0;  // `top`: each head's best tokens that are its own in any case
};

// A head's scores times the share of its mass that its `count` best hold.
std::vector<float> normalised(std::span<const float> scores, std::uint32_t count) {
  std::vector<float> sorted(scores.begin(), scores.end());
  std::ranges::sort(sorted, std::greater<>());
  double best = 0, all = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    all += static_cast<double>(sorted[i]);
    if (i < count) best += static_cast<double>(sorted[i]);
  }
  const auto share = static_cast<float>(all == 0 ? 1.0 : best / all);
  std::vector<float> scaled(scores.begin(), scores.end());
  for (float& value : scaled) value *= share;
  return scaled;
}

// [heads] How many of the layer's best each · heads scores are a head's. Ties go to the first head, then position.
std::vector<std::uint32_t> sharesOfBest(const LayerBudget& budget, const LayerScores& scores) {
  const std::size_t candidates = scores.candidates;
  std::vector<float> all;
  std::vector<std::uint32_t> counts(scores.heads, budget.floor);
  const bool normalise = textParameter(budget.setting, "normalise") == "on";
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    std::vector<float> row = normalise ? normalised(scores.head(head), budget.each)
                                       : std::vector<float>(scores.head(head).begin(), scores.head(head).end());
    for (const TokenIndex own : topPositions(row, budget.floor)) row[own] = -std::numeric_limits<float>::infinity();
    all.insert(all.end(), row.begin(), row.end());
  }
  const std::size_t free = std::size_t{budget.each - budget.floor} * scores.heads;
  for (const TokenIndex position : topPositions(all, free)) ++counts[position / candidates];
  return counts;
}

// round(c · (1 − f) + F), half to even, as published.
std::vector<std::uint32_t> mixed(const LayerBudget& budget, const std::vector<std::uint32_t>& shares) {
  const double ratio = numberParameter(budget.setting, "floor"), own = budget.each * ratio;
  std::vector<double> wanted;
  for (const std::uint32_t share : shares)
    wanted.push_back(share * (1 - ratio) + (budget.setting.preset == Preset::Exact ? own : std::floor(own)));
  if (budget.setting.preset == Preset::Exact) return roundedToSum(wanted, std::uint64_t{budget.each} * shares.size());
  std::vector<std::uint32_t> rounded;
  for (const double one : wanted) rounded.push_back(static_cast<std::uint32_t>(std::nearbyint(one)));
  return rounded;
}

std::vector<std::uint32_t> headsOf(const Setting& setting, const LayerScores& scores, std::uint32_t capacity) {
  const bool mix = textParameter(setting, "safeguard") == "mix";
  LayerBudget budget{.setting = setting};
  budget.each = std::min(capacity - std::min(setting.recent, capacity), scores.candidates);
  if (!mix) {
    const auto safe = static_cast<std::uint32_t>(capacity * numberParameter(setting, "floor"));
    budget.floor = std::min(budget.each, safe - std::min(setting.recent, safe));
  }
  std::vector<std::uint32_t> heads = sharesOfBest(budget, scores);
  if (mix) heads = mixed(budget, heads);
  for (std::uint32_t& head : heads) head = std::min(head, scores.candidates) + std::min(setting.recent, capacity);
  // No head is left with nothing at all.
  for (std::uint32_t& head : heads) {
    if (head > 0) continue;
    --*std::ranges::max_element(heads);
    ++head;
  }
  return heads;
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  const std::vector<std::uint32_t> per_layer =
      textParameter(setting, "layers") == "pyramid"
          ? pyramidPerLayer(setting)
          : std::vector<std::uint32_t>(setting.shape.layers, static_cast<std::uint32_t>(setting.budget));
  std::vector<std::uint32_t> capacity;
  for (std::size_t layer = 0; layer < scores.size(); ++layer) {
    const std::vector<std::uint32_t> heads = headsOf(setting, scores[layer], per_layer[layer]);
    capacity.insert(capacity.end(), heads.begin(), heads.end());
  }
  return capacity;
}

}  // namespace

AllocatePart adaptiveAllocation() {
  return {.name = "adaptive",
          .meaning = "the heads of a layer share its budget by their scores, above a floor",
          .parameters = kParameters,
          .allocate = allocate,
          .reads_scores = true};
}

}  // namespace kvatlas::policy
