#include "core/results/batches.h"

#include <algorithm>

#include "core/base/json_field.h"

namespace kvatlas::results {

std::uint64_t batchSizeOf(const nlohmann::json& values, const std::string& where) {
  return JsonField(where, values).integer("batch", 1, kMostBatch, 1);
}

CaseRange batchOf(std::uint64_t size, std::span<const Case> cases, std::size_t at) {
  const auto group = [&](std::size_t i) { return cases[i].context / size; };
  std::size_t first = at, end = at + 1;
  while (first > 0 && group(first - 1) == group(at)) --first;
  while (end < cases.size() && group(end) == group(at)) ++end;
  const std::size_t begin = at - (at - first) % size;
  return {begin, std::min<std::size_t>(end, begin + size)};
}

std::size_t shardOf(std::uint64_t size, const Case& one, std::size_t shards) {
  return one.context / size % shards;
}

}  // namespace kvatlas::results
