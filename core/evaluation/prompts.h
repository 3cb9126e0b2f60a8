// Builds the prompts of a needle run as tokens, with each fact at its depth.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/evaluation/haystack.h"
#include "core/evaluation/story.h"
#include "core/text/prepared_prompt.h"

namespace kvatlas::evaluation {

struct NeedlePrompt {
  text::PreparedPrompt prepared;  // spans: "needle", "other fact", "distractor", "question"
  std::string question;
  RightAnswer right;
  std::optional<double> depth;  // percent of the text before the first fact asked for; Exact only
  std::string sha256;           // of the ids, 4 little-endian bytes each
};

class PromptMaker {
 public:
  // Encodes the haystack. The tokenizer must outlive this.
  PromptMaker(const PromptPlan& plan, const HaystackText& haystack, const text::Tokenizer& tokenizer);

  // Validates a case before any computation: UsageError if the length is too short for its facts and question, or
  // longer than the haystack allows.
  void check(const NeedleCase& wanted) const;
  // The same case always gives the same prompt, whatever else the plan contains. Exact: the requested number of tokens.
  [[nodiscard]] NeedlePrompt make(const NeedleCase& wanted) const;
  // Tokens of the text before the first fact asked for. Exact only; errors as check().
  [[nodiscard]] std::size_t place(const NeedleCase& wanted) const;

 private:
  struct Pieces;
  [[nodiscard]] Pieces piecesOf(const Story& story) const;
  [[nodiscard]] std::size_t contextTokens(const NeedleCase& wanted, const Pieces& pieces) const;
  [[nodiscard]] std::size_t placeAt(double depth, TokenIndex start, std::size_t context) const;
  [[nodiscard]] TokenIndex passageStart(const NeedleCase& wanted) const;
  [[nodiscard]] NeedlePrompt makeExact(const NeedleCase& wanted, const Story& story) const;

  PromptPlan m_plan;
  std::string m_haystack_name;
  const text::Tokenizer& m_tokenizer;
  Haystack m_haystack;
};

}  // namespace kvatlas::evaluation
