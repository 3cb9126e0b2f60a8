// Parameters shared by methods, and how their values are checked and read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
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
                                                .highest = 999,
                                                .kvpress_value = "5"};
inline constexpr ParameterSpec kPoolingParameter{.name = "pooling",
                                                 .values = "max|avg|none",
                                                 .default_value = "max",
                                                 .paper_value = "max",
                                                 .meaning = "how neighbouring scores are pooled",
                                                 .kvpress_value = "avg"};

inline constexpr ParameterSpec kBetaParameter{.name = "beta",
                                              .values = "a number from 1 to 1000",
                                              .default_value = "20",
                                              .paper_value = "20",
                                              .meaning = "steepness: the last layer gets about 1/beta of the mean",
                                              .kind = ParameterKind::Number,
                                              .lowest = 1,
                                              .highest = 1000,
                                              .changes_score = false};
inline constexpr ParameterSpec kSeedParameter{.name = "seed",
                                              .values = "a whole number from 0 to 4294967295",
                                              .default_value = "0",
                                              .paper_value = "0",
                                              .meaning = "random seed",
                                              .kind = ParameterKind::Integer,
                                              .lowest = 0,
                                              .highest = 4294967295};
inline constexpr ParameterSpec kHeadsParameter{.name = "heads",
                                               .values = "a file",
                                               .default_value = "none",
                                               .paper_value = "none",
                                               .meaning = "table of one number per head, as kvatlas heads makes it",
                                               .kind = ParameterKind::Text,
                                               .changes_score = false};
inline constexpr ParameterSpec kPageParameter{.name = "page",
                                              .values = "a whole number from 1 to 65536",
                                              .default_value = "16",
                                              .paper_value = "16",
                                              .meaning = "tokens of a page",
                                              .kind = ParameterKind::Integer,
                                              .lowest = 1,
                                              .highest = 65536,
                                              .of_signal = true};
// Of methods that score pages: whether those that are not chosen are given up.
inline constexpr ParameterSpec kEvictParameter{.name = "evict",
                                               .values = "on|off",
                                               .default_value = "off",
                                               .paper_value = "off",
                                               .meaning =
                                                   "on: what the last query does not choose is evicted; off: "
                                                   "every query chooses what it reads",
                                               .changes_score = false};
inline constexpr std::string_view kSinksName = "sinks";
[[nodiscard]] constexpr ParameterSpec sinksParameter(std::string_view meaning, bool changes_score) {
  return {.name = kSinksName,
          .values = "a whole number from 0 to 65536",
          .default_value = "4",
          .paper_value = "4",
          .meaning = meaning,
          .kind = ParameterKind::Integer,
          .lowest = 0,
          .highest = 65536,
          .changes_score = changes_score};
}

// The same for sinks that no signal counts.
[[nodiscard]] constexpr ParameterSpec measuredSinksParameter(std::string_view meaning) {
  ParameterSpec spec = sinksParameter(meaning, true);
  spec.of_signal = true;
  return spec;
}

// A setting holds it only where it is given: without it a run decides once.
inline constexpr ParameterSpec kEveryParameter{.name = "every",
                                               .values = "a whole number from 0 to 1000000",
                                               .default_value = "0",
                                               .paper_value = "0",
                                               .meaning = "decide again after so many generated tokens, 0: never",
                                               .kind = ParameterKind::Integer,
                                               .lowest = 0,
                                               .highest = 1'000'000,
                                               .changes_score = false};

// Stores codes of so many bits, where a method does not name another store.
inline constexpr std::string_view kBitsName = "bits";

// The value of a parameter that is not given.
[[nodiscard]] std::string_view presetValue(const ParameterSpec& spec, Preset preset);

// Those that every method has which evicts: its parts, and when it decides.
[[nodiscard]] std::span<const ParameterSpec> commonParameters();
// Null where the method has none of that name, common ones included.
[[nodiscard]] const ParameterSpec* findParameter(const Method& method, std::string_view name);

// The signals that a cache can keep up while it decodes.
inline constexpr SignalSet kSignalsWhileDecoding{Signal::Received, Signal::WindowSum, Signal::WindowRows};
// Those that its keys and values, and the newest query, give anew at each decision, per KV head.
inline constexpr SignalSet kSignalsOfEntries{Signal::KeyNorm,  Signal::ValueNorm, Signal::KeySimilarity,
                                             Signal::LagScore, Signal::Leverage,  Signal::OutputNorm,
                                             Signal::PageBound};
[[nodiscard]] SignalSet commonOf(SignalSet a, SignalSet b);
// Why a method cannot decide again while decoding; empty where it can.
[[nodiscard]] std::string everyObstacle(const Method& method);
// Generated tokens after which a run decides again; 0: never.
[[nodiscard]] std::uint32_t everyOf(const std::map<std::string, std::string, std::less<>>& parameters);

// The same of a request, by the method's own default where it has one.
[[nodiscard]] std::uint32_t everyOf(const MethodRequest& request);

// UsageError naming method, name and value if `value` is not one of spec.values.
void checkParameter(std::string_view method, const ParameterSpec& spec, std::string_view value);

// The value of a checked parameter. Error if the setting does not have it.
[[nodiscard]] std::string_view textParameter(const Setting& setting, std::string_view name);
[[nodiscard]] std::int64_t integerParameter(const Setting& setting, std::string_view name);
[[nodiscard]] double numberParameter(const Setting& setting, std::string_view name);

}  // namespace kvatlas::policy
