// Scores files of predictions: JSON Lines with `pred` and `answers`, as LongBench's, KVCache-Factory's and RULER's
// runners write them.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kvatlas::metrics {

struct ScoredLine {
  std::string dataset;
  double score = 0;  // 0 … 1
  nlohmann::json row;
  std::string_view text;  // the row as read; valid while it is taken
};

// Reads and scores line by line. The dataset is the row's own `dataset`, else the name of the file or of its folder
// ("hotpotqa.jsonl", "hotpotqa/SnapKV.json"); `metric` of a row overrules it. Returns a warning about an incomplete
// last line, which is skipped; empty: none. Error names file, line and field.
[[nodiscard]] std::string scorePredictions(const std::filesystem::path& file,
                                           const std::function<void(const ScoredLine&)>& take);

}  // namespace kvatlas::metrics
