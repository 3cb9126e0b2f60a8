// Prepares the prompt of a session: text, ids, offsets and spans from the user's options.
#pragma once

#include <optional>

#include "capture/model/config.h"
#include "capture/session/options.h"
#include "core/text/prepared_prompt.h"
#include "core/text/tokenizer.h"

namespace kvatlas::capture {

using text::PreparedPrompt;
using text::PromptSpan;

// One prompt for each question, in which the question is a span; or, with Compress::Context, one prompt whose context
// is compressed before its questions. The tokenizer is optional with an ids file. Error / UsageError: empty prompt,
// unreadable file, ids outside the vocabulary, a span text that does not occur, no tokenizer where one is needed.
[[nodiscard]] std::vector<PreparedPrompt> preparePrompts(const PromptOptions& options,
                                                         const std::filesystem::path& model_folder,
                                                         const ModelConfig& config,
                                                         const std::optional<text::Tokenizer>& tokenizer);
// Of a prompt with at most one question, or a compressed context.
[[nodiscard]] PreparedPrompt preparePrompt(const PromptOptions& options, const std::filesystem::path& model_folder,
                                           const ModelConfig& config, const std::optional<text::Tokenizer>& tokenizer);

// The tokenizer of a folder or a GGUF file; empty when it has none.
[[nodiscard]] std::optional<text::Tokenizer> loadTokenizer(const std::filesystem::path& model);

}  // namespace kvatlas::capture
