#include "core/policy/merging.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/base/random.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {
namespace {

constexpr float kEpsilon = 1e-6F;

constexpr ParameterSpec everyStep() {
  ParameterSpec spec = kEveryParameter;
  spec.values = "a whole number from 1 to 1000000";
  spec.lowest = 1;
  spec.default_value = "1";
  spec.paper_value = "1";
  return spec;
}

constexpr ParameterSpec kForwardParameters[] = {{.name = "spread",
                                                 .values = "a whole number from 1 to 65536",
                                                 .default_value = "32",
                                                 .paper_value = "32",
                                                 .meaning = "kept tokens behind it that share an evicted value",
                                                 .kind = ParameterKind::Integer,
                                                 .lowest = 1,
                                                 .highest = 65'536,
                                                 .changes_score = false},
                                                kSeedParameter,
                                                everyStep()};

// [d, rows] keys of length 1, so that similarities to all of them are sums of whole rows.
std::vector<float> unitColumns(std::span<const float> keys, std::size_t d) {
  const std::size_t rows = keys.size() / d;
  std::vector<float> columns(keys.size());
  for (std::size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < d; ++i) sum += static_cast<double>(keys[row * d + i]) * keys[row * d + i];
    const float length = std::max(static_cast<float>(std::sqrt(sum)), kEpsilon);
    for (std::size_t i = 0; i < d; ++i) columns[i * rows + row] = keys[row * d + i] / length;
  }
  return columns;
}

struct Nearest {
  std::uint32_t row = 0;
  float cosine = 0;
};

// Of each dropped key among the kept ones.
std::vector<Nearest> nearestRows(std::span<const float> dropped, std::span<const float> kept, std::size_t d) {
  const std::vector<float> columns = unitColumns(kept, d);
  const std::size_t rows = kept.size() / d;
  std::vector<Nearest> nearest;
  std::vector<float> cosine(rows);
  for (std::size_t first = 0; first < dropped.size(); first += d) {
    const std::vector<float> unit = unitColumns(dropped.subspan(first, d), d);
    std::ranges::fill(cosine, 0.0F);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t row = 0; row < rows; ++row) cosine[row] += unit[i] * columns[i * rows + row];
    const auto best = std::ranges::max_element(cosine);
    nearest.push_back({static_cast<std::uint32_t>(best - cosine.begin()), *best});
  }
  return nearest;
}

// x ← (x + Σ w · y) / (1 + Σ w), where y is a dropped row, or with Pivot its mean with x.
void mergeInto(MergeRule rule, std::span<const Nearest> nearest, std::span<const float> dropped, std::span<float> kept,
               std::size_t d) {
  std::vector<double> sums(kept.begin(), kept.end()), weights(kept.size() / d, 1.0);
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const std::size_t to = nearest[i].row;
    const double weight =
        rule == MergeRule::Weighted ? std::max((static_cast<double>(nearest[i].cosine) + 1) / 2, 1e-6) : 1.0;
    weights[to] += weight;
    for (std::size_t c = 0; c < d; ++c) {
      const double x = kept[to * d + c], y = dropped[i * d + c];
      sums[to * d + c] += weight * (rule == MergeRule::Pivot ? (x + y) / 2 : y);
    }
  }
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = static_cast<float>(sums[i] / weights[i / d]);
}

}  // namespace

std::span<const MergePart> mergeParts() {
  static const std::array table{
      MergePart{.name = "off", .meaning = "evicted tokens are lost"},
      MergePart{.name = "pivot",
                .meaning = "evicted tokens go into the kept one with the most similar key, half and half with it",
                .rule = MergeRule::Pivot},
      MergePart{.name = "weighted",
                .meaning = "evicted tokens go into the kept one with the most similar key, weighted by similarity",
                .rule = MergeRule::Weighted},
      MergePart{.name = "average",
                .meaning = "evicted tokens go into the kept one with the most similar key, all alike",
                .rule = MergeRule::Average},
      MergePart{.name = "cam",
                .meaning = "while decoding, an evicted value goes into the kept tokens behind it (seeded)",
                .parameters = kForwardParameters,
                .rule = MergeRule::Forward}};
  return table;
}

std::vector<std::uint32_t> mergeRows(MergeRule rule, const ListEntries& dropped, const ListEntries& kept,
                                     std::size_t head_dim) {
  if (rule == MergeRule::None || rule == MergeRule::Forward) throw std::logic_error("no rule that merges rows");
  if (kept.key.empty()) return std::vector<std::uint32_t>(dropped.key.size() / head_dim, kLost);
  const std::vector<Nearest> nearest = nearestRows(dropped.key, kept.key, head_dim);
  mergeInto(rule, nearest, dropped.key, kept.key, head_dim);
  mergeInto(rule, nearest, dropped.value, kept.value, head_dim);
  std::vector<std::uint32_t> into;
  for (const Nearest& each : nearest) into.push_back(each.row);
  return into;
}

std::vector<std::uint32_t> mergeForward(const ForwardMerge& merge, std::span<const std::uint32_t> rows,
                                        std::span<const double> received, std::span<const TokenIndex> positions,
                                        std::span<float> value, std::size_t head_dim) {
  std::vector<std::uint32_t> kept;
  for (std::uint32_t row = 0, next = 0; row < received.size(); ++row) {
    if (next < rows.size() && rows[next] == row)
      ++next;
    else
      kept.push_back(row);
  }
  std::vector<std::uint32_t> into;
  for (const std::uint32_t row : rows) {
    const auto first = std::ranges::upper_bound(kept, row);
    const std::span<const std::uint32_t> targets(first, std::min<std::ptrdiff_t>(merge.spread, kept.end() - first));
    double mean = 0;
    for (const std::uint32_t target : targets) mean += received[target] / static_cast<double>(targets.size());
    const double chance = mean > 0 ? received[row] / mean : received[row] > 0 ? 1.0 : 0.0;
    const bool merged = !targets.empty() && uniformOf(hashOf(merge.stream, positions[row])) < chance;
    into.push_back(merged ? targets.front() : kLost);
    for (const std::uint32_t target : merged ? targets : std::span<const std::uint32_t>())
      for (std::size_t c = 0; c < head_dim; ++c)
        value[target * head_dim + c] += value[row * head_dim + c] / static_cast<float>(targets.size());
  }
  return into;
}

ForwardMerge forwardMerge(const Setting& setting, LayerIndex layer, std::uint32_t head) {
  const auto seed = static_cast<std::uint64_t>(integerParameter(setting, "seed"));
  return {.spread = static_cast<std::uint32_t>(integerParameter(setting, "spread")),
          .stream = hashOf(hashOf(hashOf(seed, 0x6d657267ULL), layer.value), head)};
}

}  // namespace kvatlas::policy
