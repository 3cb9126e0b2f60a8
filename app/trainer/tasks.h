// Rows to learn from: repeated segments, plain text, texts with planted facts and questions; knows no tensor.
#pragma once

#include <cstdint>
#include <vector>

#include "app/trainer/corpus.h"
#include "app/trainer/recipe.h"
#include "core/evaluation/facts.h"

namespace kvatlas::trainer {

// What a token is to the loss: unpredictable tokens (values when they are told, noise) are not trained.
enum class Role : std::uint8_t { None, Text, Answer, Repeat };
inline constexpr std::size_t kRoles = 4;

struct Row {
  std::vector<TokenId> ids;  // [sequence + 1]
  std::vector<Role> roles;   // [sequence + 1], of each token as a target
};

// Makes rows; equal (seed, step, row) give equal rows.
class TaskMaker {
 public:
  TaskMaker(const Passages& passages, const text::Tokenizer& tokenizer, std::uint64_t seed);
  [[nodiscard]] std::vector<Row> batch(const Stage& stage, std::uint64_t step) const;

 private:
  [[nodiscard]] Row repeatRow(Random& random, std::size_t length) const;
  [[nodiscard]] Row textRow(Random& random, std::size_t length) const;
  [[nodiscard]] Row factRow(Random& random, std::size_t length, std::size_t most_facts) const;

  const Passages& m_passages;
  const text::Tokenizer& m_tokenizer;
  std::uint64_t m_seed;
};

// What a retrieval test asks.
enum class Quiz { Completion, Question, TwoFacts, FourOfForty };

struct QuizRow {
  std::vector<TokenId> ids;      // [length] with the answer
  std::size_t answer_begin = 0;  // the answer's tokens are [answer_begin, ids.size())
};

// A prompt of exactly `length` tokens, its answer included, of held-out names and attributes; one fact lies at
// `depth` ∈ [0, 1] of the passage, others anywhere. `asking` is not used by questions about several facts.
[[nodiscard]] QuizRow makeQuiz(const Passages& passages, const text::Tokenizer& tokenizer, Random& random, Quiz quiz,
                               std::size_t length, double depth);

}  // namespace kvatlas::trainer
