// The options that determine a LongBench run's prompts and scores, and their place in its settings.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/evaluation/task_request.h"
#include "core/evaluation/text_prompt.h"

namespace kvatlas::evaluation {

inline constexpr const char* kLongBenchTask = "longbench";

struct LongBenchOptions {
  std::vector<std::string> sets;  // names without "_e", in the published order
  bool all = false;               // sets are all of a group: the ones missing in the folder are left out
  bool extended = false;          // LongBench-E
  std::uint64_t rows = 0;         // of each set, from the first; 0: all
  std::uint64_t most_tokens = 0;  // a longer prompt is cut in the middle; 0: what leaves room for the answer
  std::uint32_t new_tokens = 0;   // per answer; 0: as published for each set
  bool published_stops = false;   // KVCache-Factory's stop tokens, beside the model's own
  TextFrame frame;                // of all sets but the few-shot and code ones
  bool frames_all = false;        // of those, too
};

// Names and groups all, en, zh, code, separated by commas. UsageError with the nearest names.
void chooseSets(const std::string& names, LongBenchOptions& options);

// What KVCache-Factory's runner does for a model of this path: its limit of tokens and its frame.
void applyFactoryProtocol(const std::string& model_path, LongBenchOptions& options);

[[nodiscard]] nlohmann::json longBenchJson(const LongBenchOptions& options);
// Error naming `where` and what is missing.
[[nodiscard]] LongBenchOptions readLongBenchOptions(const nlohmann::json& values, const std::string& where);

[[nodiscard]] TaskRequest longBenchRequest(const LongBenchOptions& options, const std::filesystem::path& data);

}  // namespace kvatlas::evaluation
