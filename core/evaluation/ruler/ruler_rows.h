// Makes the rows of RULER's 13 tasks, in words of our own: of any size, from a seed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/evaluation/ruler/ruler_material.h"

namespace kvatlas::evaluation {

struct RulerText {
  std::string head, context, question;  // parts of the prompt, in order
  std::string answer_start;             // what the model's answer begins with; behind a chat template
  std::vector<std::string> answers;
  std::vector<std::string> needles;  // sentences of the context that hold the answer; may be empty
};

struct RulerRow {
  std::size_t number = 0;
  std::size_t length = 0;  // tokens asked for
  std::size_t units = 0;   // of filling
};

struct RulerTask {
  std::string_view name;
  // The same generator gives the same needles, keys and question for every number of units.
  RulerText (*make)(const RulerMaterial& material, Random random, const RulerRow& row) = nullptr;
  std::size_t least_units = 1;
  const char* source = nullptr;  // "haystack", "squad", "hotpotqa"; nullptr: none
};

[[nodiscard]] const RulerTask& findRulerTask(std::string_view name);  // UsageError

// The most units a task can have with this material; 0: no limit.
[[nodiscard]] std::size_t mostUnits(const RulerTask& task, const RulerMaterial& material);

}  // namespace kvatlas::evaluation
