#include "core/policy/whole_lists.h"

#include <algorithm>
#include <numeric>

#include "core/policy/allocation.h"

namespace kvatlas::policy {

std::vector<std::uint32_t> wholeLists(const Setting& setting, const std::vector<std::size_t>& order,
                                      std::uint32_t least) {
  const std::uint64_t tokens = setting.shape.tokens, lists = order.size(), total = setting.budget * lists;
  const std::uint64_t smallest = std::min<std::uint64_t>(least, setting.budget);
  const std::uint64_t whole = std::min<std::uint64_t>(lists, (total - lists * smallest) / (tokens - smallest));
  std::vector<std::uint32_t> capacity(lists, static_cast<std::uint32_t>(tokens));
  if (whole == lists) return capacity;
  const std::vector<std::uint64_t> rest = spread(total - whole * tokens, lists - whole, tokens);
  for (std::uint64_t i = whole; i < lists; ++i) capacity[order[i]] = static_cast<std::uint32_t>(rest[i - whole]);
  return capacity;
}

std::vector<std::size_t> largestFirst(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

}  // namespace kvatlas::policy
