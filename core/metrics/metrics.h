// The table of metrics: what an answer is worth, 0 … 1.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::metrics {

struct Reference {
  std::span<const std::string> answers;  // any of them is right, but string_match_all wants every one
  std::span<const std::string> classes;  // of the metric classification
};

struct Metric {
  std::string_view name;
  double (*score)(std::string_view prediction, const Reference& reference) = nullptr;
  bool chinese = false;  // needs jieba's dictionary
  std::string_view meaning = {};
};

[[nodiscard]] std::span<const Metric> metrics();
[[nodiscard]] const Metric& findMetric(std::string_view name);  // UsageError with the nearest names

}  // namespace kvatlas::metrics
