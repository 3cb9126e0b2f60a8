// A task of an evaluation: the cases it has, the prompt of each, and what an answer is worth. A new task is one of
// these and a row of the table in tasks.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/progress.h"
#include "core/evaluation/task_request.h"
#include "core/results/plan.h"
#include "core/text/prepared_prompt.h"
#include "core/text/tokenizer.h"

namespace kvatlas::evaluation {

// Asked after every token: whether the answer has ended. `generated` is never empty.
using StopRule = std::function<bool(std::span<const TokenId> generated)>;

struct EvaluationPrompt {
  text::PreparedPrompt prepared;
  std::size_t context_tokens = 0;  // the first tokens, equal in every case of the context; 0: nothing is shared
  std::string question, expected;
  std::vector<std::string> also_right;                 // further right answers
  std::map<std::string, results::FacetValue> details;  // what else the record should say of this prompt
  std::uint32_t most_new_tokens = 0;                   // 0: as many as the run allows
  StopRule finished;                                   // may be empty: the model's own end tokens only
  std::string sha256;                                  // of the ids, 4 little-endian bytes each
};

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  // Everything that decides its cases, prompts and scores, as it stands in settings.json: what results::planOfTask
  // reads and, of each source, {"name", "sha256"} under the source's name.
  [[nodiscard]] virtual nlohmann::json settings() const = 0;

  // About how many tokens the prompt has, before it is made.
  [[nodiscard]] virtual std::uint64_t tokensOf(const results::Case& wanted) const = 0;
  // Before anything is computed: UsageError for a case whose prompt cannot be made.
  virtual void check(const results::Case& wanted) const = 0;
  // The same case always gives the same prompt, whatever other cases the run has. The stop rule lives no longer than
  // the task.
  [[nodiscard]] virtual EvaluationPrompt prompt(const results::Case& wanted) const = 0;

  // What of the generated text is the answer.
  [[nodiscard]] virtual std::string answerOf(const results::Case& wanted, std::string_view generated) const = 0;
  // Every score by name, 0 … 1.
  [[nodiscard]] virtual std::map<std::string, double> scores(const results::Case& wanted,
                                                             std::string_view answer) const = 0;
  // The name of the one that the run was asked for.
  [[nodiscard]] virtual std::string mainScore(const results::Case& wanted) const = 0;
};

// What a task may ask of the model. The tokenizer must outlive the task.
struct TaskModel {
  const text::Tokenizer& tokenizer;
  std::filesystem::path folder;
  std::string name;
  std::uint64_t positions = 0;        // the model was made for
  bool stretches = false;             // it takes more of them
  std::uint32_t most_new_tokens = 0;  // of an answer
};

// UsageError: an unknown task, values that make no sense. Error: a source that is not there. `progress` is warned of
// what is doubtful.
[[nodiscard]] std::unique_ptr<Task> openTask(const TaskRequest& request, const TaskModel& model, Progress& progress);

// The names of the sources a task reads.
[[nodiscard]] std::vector<std::string> sourcesOf(std::string_view task);

[[nodiscard]] std::string hashOfIds(std::span<const TokenId> ids);  // EvaluationPrompt::sha256

}  // namespace kvatlas::evaluation
