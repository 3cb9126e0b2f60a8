// Parameters shared by methods, and how their values are checked and read.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/policy/policy.h"

namespace kvatlas::policy {

inline constexpr ParameterSpec kGroupParameter{
    .name = "group",
    .values = "mean|max|sum",
    .default_value = "mean",
    .paper_value = "mean",
    .meaning = "how scores of the query heads of one KV head are combined (kv-head granularity)"};
inline constexpr ParameterSpec kKernelParameter{.name = "kernel",
                                                .values = "an odd number from 1 to 999",
                                                .default_value = "7",
                                                .paper_value = "7",
                                                .meaning = "pooling kernel size in tokens",
                                                .kind = ParameterKind::OddInteger,
                                                .lowest = 1,
                                                .highest = 999};
inline constexpr ParameterSpec kPoolingParameter{.name = "pooling",
                                                 .values = "max|avg|none",
                                                 .default_value = "max",
                                                 .paper_value = "max",
                                                 .meaning = "how neighbouring scores are pooled"};

// UsageError naming method, name and value if `value` is not one of spec.values.
void checkParameter(std::string_view method, const ParameterSpec& spec, std::string_view value);

// The value of a checked parameter. Error if the setting does not have it.
[[nodiscard]] std::string_view textParameter(const Setting& setting, std::string_view name);
[[nodiscard]] std::int64_t integerParameter(const Setting& setting, std::string_view name);
[[nodiscard]] double numberParameter(const Setting& setting, std::string_view name);

}  // namespace kvatlas::policy
