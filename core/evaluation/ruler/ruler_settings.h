// The options that determine a RULER run's prompts and scores, and their place in its settings.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/evaluation/task_request.h"
#include "core/evaluation/text_prompt.h"

namespace kvatlas::evaluation {

inline constexpr const char* kRulerTask = "ruler";
// Questions of SQuAD for qa_1 and of HotpotQA for qa_2.
inline constexpr const char* kSquadSource = "squad";
inline constexpr const char* kHotpotSource = "hotpotqa";

struct RulerOptions {
  std::vector<std::string> tasks;      // in the published order
  std::vector<std::uint64_t> lengths;  // tokens of prompt and answer together
  std::uint64_t rows = 10;             // of each task and length
  std::uint64_t seed = 0;
  std::uint32_t new_tokens = 0;  // per answer; 0: as published for each task
  bool published = false;        // rows from published files (source "data"), not generated
  TextFrame frame;
};

// Names, or "all": those whose source is at hand. UsageError with the nearest names.
[[nodiscard]] std::vector<std::string> chooseRulerTasks(const std::string& names, const Sources& sources);

[[nodiscard]] nlohmann::json rulerJson(const RulerOptions& options);
// Error naming `where` and what is missing.
[[nodiscard]] RulerOptions readRulerOptions(const nlohmann::json& values, const std::string& where);

}  // namespace kvatlas::evaluation
