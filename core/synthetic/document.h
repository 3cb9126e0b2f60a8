// The text of a synthetic prompt: documents of sentences, a fact in one of them, a question at the end.
// Independent of the attention model.
#pragma once

#include <vector>

#include "core/trace/records.h"

namespace kvatlas::synthetic {

struct DocumentOptions {
  std::uint32_t tokens = 0, vocab = 0;
  std::uint32_t documents = 0;  // 0: chosen from the length
  std::uint64_t seed = 0;
};

struct SyntheticPrompt {
  trace::Prompt prompt;
  std::vector<TokenIndex> document_begin;  // [tokens]: where the document of each token begins
  trace::Span needle, question;            // empty ranges in prompts too short for them
};

[[nodiscard]] SyntheticPrompt makePrompt(const DocumentOptions& options);

// The model's answer, word by word; the ids use the prompt's vocabulary.
struct AnswerWord {
  TokenId id;
  const char* text;
};
[[nodiscard]] AnswerWord answerWord(std::size_t step, std::uint32_t vocab);
[[nodiscard]] AnswerWord wrongWord(std::size_t step, std::uint32_t vocab);

}  // namespace kvatlas::synthetic
