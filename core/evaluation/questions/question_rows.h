// The rows of a file of questions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/evaluation/answer_key.h"

namespace kvatlas::evaluation {

struct AskedQuestion {
  std::string text;
  AnswerKey key;
  std::uint32_t new_tokens = 0;
};

// A context with all questions about it.
struct QuestionContext {
  std::string set;  // the group of the row; empty: none
  std::string text;
  std::vector<AskedQuestion> questions;
};

struct QuestionFile {
  std::string name, sha256;
  std::vector<QuestionContext> contexts;
};

struct QuestionDefaults {
  std::string metric;
  std::uint32_t new_tokens = 0;
  std::uint64_t rows = 0;  // 0: all
};

// Error names file, line and field.
[[nodiscard]] QuestionFile readQuestions(const std::filesystem::path& file, const QuestionDefaults& defaults);

}  // namespace kvatlas::evaluation
