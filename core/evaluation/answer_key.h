// What is right for one row of a dataset, and the metric that says how right an answer is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation/task.h"
#include "core/metrics/datasets.h"
#include "core/metrics/metrics.h"

namespace kvatlas::evaluation {

struct AnswerKey {
  std::vector<std::string> answers;  // at least one
  std::vector<std::string> classes;  // of the metric classification
  const metrics::Metric* metric = nullptr;
  bool first_line = false;  // only the first line of an answer counts
};

// By the metric's name; code also by the matcher that fuzzywuzzy would use if it found python-Levenshtein.
[[nodiscard]] std::map<std::string, double> scoresOf(const AnswerKey& key, std::string_view answer);

// The part of an EvaluationPrompt that comes from the key.
void describeKey(const AnswerKey& key, EvaluationPrompt& prompt);

}  // namespace kvatlas::evaluation
