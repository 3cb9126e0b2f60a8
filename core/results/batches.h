// Which cases of a run decode together, and which shard runs a case. Both follow from the settings alone: what has been
// done already, or what other shards do, changes no batch.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "core/results/plan.h"

namespace kvatlas::results {

inline constexpr std::uint64_t kMostBatch = 256;

// "batch" of a run's settings: how many cases decode together at most; 1 where it is absent. Error naming `where`.
[[nodiscard]] std::uint64_t batchSizeOf(const nlohmann::json& values, const std::string& where = "settings");

struct CaseRange {
  std::size_t begin = 0, end = 0;
};

// The batch of cases[at]. `cases`: all cases of a run or of one shard. A batch begins anew after every `size` contexts.
[[nodiscard]] CaseRange batchOf(std::uint64_t size, std::span<const Case> cases, std::size_t at);

// From 0. Cases of one context, or of `size` contexts that decode together, are in one shard.
[[nodiscard]] std::size_t shardOf(std::uint64_t size, const Case& one, std::size_t shards);

}  // namespace kvatlas::results
