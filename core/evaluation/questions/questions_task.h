// Anybody's own benchmark: rows of a context, one or several questions, and their answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/evaluation/task.h"
#include "core/evaluation/text_prompt.h"

namespace kvatlas::evaluation {

inline constexpr const char* kQuestionsTask = "questions";

struct QuestionOptions {
  std::string metric = "f1";      // of rows that name none
  std::string prompt_template;    // with {context} and then {question}; a chat template is part of it
  bool adds_special = true;       // whether the tokenizer adds its own special tokens
  std::uint64_t rows = 0;         // from the first; 0: all
  std::uint64_t most_tokens = 0;  // a longer prompt's context is cut in the middle; 0: what leaves room for the answer
  std::uint32_t new_tokens = 64;  // per answer, of rows that name no number
};

// UsageError: an unknown metric, a template without its two places.
[[nodiscard]] TaskRequest questionsRequest(const QuestionOptions& options, const std::filesystem::path& file);

// The file is JSON Lines: {"context", "question", "answers"} or {"context", "questions": [{"question", "answers"}, …]},
// optional `metric`, `classes`, `new_tokens` and `set` (a name that groups rows in tables). Consecutive rows of the
// same context belong together. Error names file, line and field.
[[nodiscard]] std::unique_ptr<Task> openQuestionsTask(const TaskRequest& request, const TaskModel& model,
                                                      Progress& progress);

}  // namespace kvatlas::evaluation
