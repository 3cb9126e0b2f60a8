// A task of an evaluation: its cases, the prompt of each, and the score of an answer. To add a task, implement this
// class and add a row to the table in tasks.cpp.
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

// Called after every token: whether the answer has ended. `generated` is never empty.
using StopRule = std::function<bool(std::span<const TokenId> generated)>;

struct EvaluationPrompt {
  text::PreparedPrompt prepared;
  std::size_t context_tokens = 0;  // leading tokens shared by all cases of the context; 0: none
  std::string question, expected;
  std::vector<std::string> also_right;                 // further right answers
  std::map<std::string, results::FacetValue> details;  // further fields for this prompt's record
  std::uint32_t most_new_tokens = 0;                   // 0: the run's maximum
  StopRule finished;                                   // may be empty: only the model's own end tokens
  std::string sha256;                                  // of the ids, 4 little-endian bytes each
};

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  // Everything that determines its cases, prompts and scores, as in settings.json: the input of results::planOfTask
  // and, for each source, {"name", "sha256"} under the source's name.
  [[nodiscard]] virtual nlohmann::json settings() const = 0;

  // Estimated number of prompt tokens, without building the prompt.
  [[nodiscard]] virtual std::uint64_t tokensOf(const results::Case& wanted) const = 0;
  // Validates before any computation: UsageError for a case whose prompt cannot be built.
  virtual void check(const results::Case& wanted) const = 0;
  // The same case always gives the same prompt, whatever other cases the run has. The stop rule must not outlive
  // the task.
  [[nodiscard]] virtual EvaluationPrompt prompt(const results::Case& wanted) const = 0;

  // Extracts the answer from the generated text.
  [[nodiscard]] virtual std::string answerOf(const results::Case& wanted, std::string_view generated) const = 0;
  // Every score by name, 0 … 1.
  [[nodiscard]] virtual std::map<std::string, double> scores(const results::Case& wanted,
                                                             std::string_view answer) const = 0;
  // The name of the run's main score.
  [[nodiscard]] virtual std::string mainScore(const results::Case& wanted) const = 0;
};

// What a task knows about the model. The tokenizer must outlive the task.
struct TaskModel {
  const text::Tokenizer& tokenizer;
  std::filesystem::path folder;
  std::string name;
  std::uint64_t positions = 0;        // context length of the model
  bool stretches = false;             // whether the model accepts more positions
  std::uint32_t most_new_tokens = 0;  // per answer
};

// UsageError: an unknown task or invalid values. Error: a missing source. Warns through `progress` about
// doubtful settings.
[[nodiscard]] std::unique_ptr<Task> openTask(const TaskRequest& request, const TaskModel& model, Progress& progress);

// The names of the sources that a run of these settings reads.
[[nodiscard]] std::vector<std::string> sourcesOf(std::string_view task, const nlohmann::json& settings);

[[nodiscard]] std::string hashOfIds(std::span<const TokenId> ids);  // EvaluationPrompt::sha256

}  // namespace kvatlas::evaluation
