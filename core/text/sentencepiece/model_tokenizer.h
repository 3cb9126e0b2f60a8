// A tokenizer.model as a tokenizer: what a tokenizer.json would say of its vocabulary and special tokens, and the steps
// that are SentencePiece's own.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/text/aligned_text.h"
#include "core/text/sentencepiece/encoder.h"

namespace kvatlas::text {

struct ModelTokenizer {
  nlohmann::json json;  // as a tokenizer.json, without normaliser and merges
  std::unique_ptr<const TextStep> normaliser;
  std::unique_ptr<const PieceEncoder> encoder;
  std::optional<TokenId> bos, eos;
};

// Control pieces are found in a text; between them SentencePiece's own rules hold. A BOS stands before the text unless
// "add_bos_token" of the tokenizer_config.json beside it is false (Transformers 4 and SentencePiece's users;
// Transformers 5 sets none where nothing is said), an EOS behind it where "add_eos_token" is true. Error names file and
// field.
[[nodiscard]] ModelTokenizer readModelTokenizer(const std::filesystem::path& path);

}  // namespace kvatlas::text
