// Makes a RULER row of exactly the tokens asked for, with any tokenizer.
#pragma once

#include "core/evaluation/ruler/ruler_rows.h"
#include "core/evaluation/text_prompt.h"
#include "core/text/prepared_prompt.h"
#include "core/text/tokenizer.h"

namespace kvatlas::evaluation {

struct RulerPrompt {
  text::PreparedPrompt prepared;  // spans: "needle", "question"
  RulerText text;                 // of as many units as fit
  std::size_t padding = 0;        // line breaks between context and question
};

struct RulerSize {
  std::size_t row = 0;
  std::size_t length = 0;  // tokens of prompt and answer
  std::size_t tokens = 0;  // of the prompt
};

// The most units that fit, then line breaks up to the size. UsageError: too few tokens for the task, or more than its
// source can fill.
[[nodiscard]] RulerPrompt fitRuler(const RulerTask& task, const RulerMaterial& material, const Random& random,
                                   const RulerSize& size, const TextFrame& frame, const text::Tokenizer& tokenizer);

}  // namespace kvatlas::evaluation
