// The prompts of a needle run as tokens, each with its facts at their depth. Knows tokenizers, no model.
#pragma once

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
  std::string sha256;  // of the ids, 4 little-endian bytes each
};

class PromptMaker {
 public:
  // Encodes the haystack. The tokenizer must outlive this.
  PromptMaker(const PromptPlan& plan, const HaystackText& haystack, const text::Tokenizer& tokenizer);

  // Before anything is computed: UsageError for a length that does not hold the case's facts and question, or that
  // needs more text than the haystack has.
  void check(const NeedleCase& wanted) const;
  // The same case always gives the same prompt, whatever else the plan has. Exact: as many tokens as asked.
  [[nodiscard]] NeedlePrompt make(const NeedleCase& wanted) const;

 private:
  struct Pieces;
  [[nodiscard]] Pieces piecesOf(const Story& story) const;
  [[nodiscard]] std::size_t contextTokens(const NeedleCase& wanted, const Pieces& pieces) const;
  [[nodiscard]] TokenIndex passageStart(const NeedleCase& wanted) const;
  [[nodiscard]] NeedlePrompt makeExact(const NeedleCase& wanted, const Story& story) const;

  PromptPlan m_plan;
  std::string m_haystack_name;
  const text::Tokenizer& m_tokenizer;
  Haystack m_haystack;
};

}  // namespace kvatlas::evaluation
