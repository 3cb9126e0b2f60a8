// Stop rules of published runners: tokens at which an answer ends, beside the model's own end tokens.
#pragma once

#include <vector>

#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

// The tokenizer's end token, and Llama 3's by name.
[[nodiscard]] std::vector<TokenId> endTokens(const text::Tokenizer& tokenizer);
void addLineBreak(const text::Tokenizer& tokenizer, std::vector<TokenId>& stops);  // the last token of a line break
[[nodiscard]] StopRule stopAt(std::vector<TokenId> stops);

}  // namespace kvatlas::evaluation
