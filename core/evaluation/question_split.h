// Parts the prompt of a case where its question begins, so that the context can be compressed without it.
#pragma once

#include <string>

#include "core/text/prepared_prompt.h"

namespace kvatlas::evaluation {

// What stands before the first span named "question" becomes the prompt, what follows its only question. Error naming
// the case: it has no such span, or nothing before it.
[[nodiscard]] text::PreparedPrompt splitAtQuestion(text::PreparedPrompt prompt, const std::string& case_id);

}  // namespace kvatlas::evaluation
