// The published needle runner's prompt (reference: KVCache-Factory, run_needle_in_haystack.py): context cut and decoded
// back to text, needle behind a full-stop token, one template for every model. Knows tokenizers, no model.
#pragma once

#include "core/evaluation/haystack.h"
#include "core/evaluation/story.h"
#include "core/text/prepared_prompt.h"

namespace kvatlas::evaluation {

inline constexpr std::size_t kPaperBuffer = 200;  // tokens of the length that are left for question and answer

// UsageError when the length does not hold buffer and needle.
[[nodiscard]] text::PreparedPrompt makePaperPrompt(const PromptPlan& plan, const NeedleCase& wanted, const Story& story,
                                                   const Haystack& haystack, const text::Tokenizer& tokenizer);

}  // namespace kvatlas::evaluation
