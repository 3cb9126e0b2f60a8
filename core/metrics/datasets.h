// The published datasets and how their answers are scored: LongBench's 21 sets and RULER's 13 tasks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kvatlas::metrics {

enum class Language : std::uint8_t { English, Chinese, Code };

struct Dataset {
  std::string_view name, metric;
  Language language = Language::English;
  std::uint32_t new_tokens = 0;    // as published, per answer
  bool first_line = false;         // only the first line of an answer counts
  bool chat = true;                // few-shot and code sets are never wrapped in a chat template
  bool stops_at_line_end = false;  // generation stops at a line break
  bool extended = false;           // part of LongBench-E
};

[[nodiscard]] std::span<const Dataset> longBench();  // in the published order
[[nodiscard]] std::span<const Dataset> ruler();
// By name; LongBench-E's "_e" is ignored. nullptr: none of them.
[[nodiscard]] const Dataset* findDataset(std::string_view name);

// The score of an answer to a row of the dataset: the first-line rule, then the metric.
[[nodiscard]] std::string_view countedPart(const Dataset& dataset, std::string_view prediction);

}  // namespace kvatlas::metrics
