// The settings of one run: a method with the user's parameters, a budget, and the complete setting
// derived from both.
#pragma once

#include <optional>
#include <string_view>

#include "core/policy/policy.h"
#include "core/runs/names.h"

namespace kvatlas::runs {

inline constexpr std::string_view kFullMethod = "full";

struct RunSetting {
  policy::MethodRequest request;
  policy::Budget budget;
  policy::Setting setting;
  std::optional<Follow> follow;  // empty: the run does not generate
  [[nodiscard]] bool isFull() const { return request.method != nullptr && request.method->name == kFullMethod; }
  // Generated tokens after which the run decides again what it holds; 0: it decides at the end of the prompt only.
  [[nodiscard]] std::uint32_t decidesAgainEvery() const;
};

// Settings shared by all runs of one prompt.
struct RunOptions {
  policy::Granularity granularity = policy::Granularity::KvHead;  // the full cache always has one list per KV head
  policy::Preset preset = policy::Preset::Exact;
  std::uint32_t window = 8;
  std::optional<Follow> follow;
};

// UsageError as in policy::makeSetting().
[[nodiscard]] RunSetting makeRunSetting(const policy::MethodRequest& request, const policy::Budget& budget,
                                        const policy::Shape& shape, const RunOptions& options);

}  // namespace kvatlas::runs
