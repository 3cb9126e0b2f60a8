// The prompt shape of a needle run within a chat template.
#pragma once

#include <filesystem>
#include <string>

#include "core/text/chat_template.h"

namespace kvatlas::app {

// The rendered conversation whose user message is `shape` ("{context} … {question}"), without the BOS piece at its
// beginning that a needle run sets itself. Error where the tokenizer sets one and the template does not.
[[nodiscard]] std::string chatShape(const text::ChatRequest& request, const std::filesystem::path& model,
                                    const std::string& shape);

}  // namespace kvatlas::app
