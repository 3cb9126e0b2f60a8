// The prompt of a session: text, ids, offsets and spans from what the user gave; knows tokenizers, no tensors.
#pragma once

#include <optional>

#include "capture/model/config.h"
#include "capture/session/options.h"
#include "core/text/prepared_prompt.h"
#include "core/text/tokenizer.h"

namespace kvatlas::capture {

using text::PreparedPrompt;
using text::PromptSpan;

// The tokenizer may be absent with an ids file. Error / UsageError: empty prompt, unreadable file, ids outside the
// vocabulary, a span text that does not occur, no tokenizer where one is needed.
[[nodiscard]] PreparedPrompt preparePrompt(const PromptOptions& options, const std::filesystem::path& model_folder,
                                           const ModelConfig& config, const std::optional<text::Tokenizer>& tokenizer);

// The folder's tokenizer; empty when there is no tokenizer.json.
[[nodiscard]] std::optional<text::Tokenizer> loadTokenizer(const std::filesystem::path& model_folder);

}  // namespace kvatlas::capture
