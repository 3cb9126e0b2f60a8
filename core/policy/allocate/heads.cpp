// Every head gets a floor, and more by its score in a table (HeadKV, Fu et al., arXiv:2410.19258).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/policy/allocation.h"
#include "core/policy/head_table.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kHeadsParameter,
                                         {.name = "beta",
                                          .values = "a number from 1 to 1000",
                                          .default_value = "1.5",
                                          .paper_value = "1.01",
                                          .meaning = "1/beta of the budget goes by the table",
                                          .kind = ParameterKind::Number,
                                          .lowest = 1,
                                          .highest = 1000,
                                          .changes_score = false}};

void check(const Setting& setting) {
  static_cast<void>(headTable(setting));
}

// As published: the pool is ⌊C / β⌋ of every query head, C without the window; lists of KV heads get the rounded mean
// of their query heads; what a head cannot hold is lost.
std::vector<std::uint32_t> published(const Setting& setting) {
  Setting of_queries = setting;
  of_queries.granularity = Granularity::QueryHead;
  const std::vector<double> table = headTable(of_queries);
  const double sum = std::accumulate(table.begin(), table.end(), 0.0), lists = static_cast<double>(table.size());
  const auto budget = static_cast<double>(setting.budget);
  const double pool = std::floor(budget / numberParameter(setting, "beta"));
  const std::size_t group = setting.shape.query_heads / setting.heads();
  std::vector<std::uint32_t> capacity;
  double of_group = 0;
  for (std::size_t head = 0; head < table.size(); ++head) {
    const double share = sum > 0 ? table[head] / sum : 1.0 / lists;
    of_group += std::nearbyint(share * pool * lists + budget - pool);
    if ((head + 1) % group != 0) continue;
    const double kept = std::nearbyint(of_group / static_cast<double>(group)) + setting.recent;
    capacity.push_back(static_cast<std::uint32_t>(std::min<double>(kept, setting.shape.tokens)));
    of_group = 0;
  }
  return capacity;
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores>) {
  if (setting.preset == Preset::Paper) return published(setting);
  const std::vector<double> table = headTable(setting);
  const double beyond = static_cast<double>(setting.budget - setting.recent);
  const auto least = static_cast<std::uint32_t>(beyond - beyond / numberParameter(setting, "beta"));
  return boundedToSum(table, setting.budget * table.size(), std::max(setting.recent + least, 1U), setting.shape.tokens);
}

}  // namespace

AllocatePart headsAllocation() {
  return {.name = "heads",
          .meaning = "heads by a table of their scores, above a floor",
          .parameters = kParameters,
          .allocate = allocate,
          .check = check};
}

}  // namespace kvatlas::policy
