// Wraps the prompt template of a needle run in a chat template.
#pragma once

#include <filesystem>
#include <string>

#include "core/text/chat_template.h"

namespace kvatlas::app {

// The rendered conversation whose user message is `shape` ("{context} … {question}"), without the leading BOS, which
// the needle run adds itself. Error when the tokenizer adds BOS but the template does not print it.
[[nodiscard]] std::string chatShape(const text::ChatRequest& request, const std::filesystem::path& model,
                                    const std::string& shape);

}  // namespace kvatlas::app
