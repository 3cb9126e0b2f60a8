// The tokenizer in the metadata of a GGUF model, written as the tokenizer.json it stands for; knows no text.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/gguf/metadata.h"

namespace kvatlas::text {

struct GgufTokenizer {
  nlohmann::json json;  // as a tokenizer.json
  std::optional<TokenId> bos, eos;
};

// tokenizer.ggml.model "gpt2" (byte-level BPE, words cut as tokenizer.ggml.pre says) and "llama" (SentencePiece BPE:
// merges by the scores of the pieces, unknown characters as bytes). Control tokens and those a user defined are found
// in a text. BOS and EOS as add_bos_token and add_eos_token say; without the former a BOS stands in front where the
// family's own tokenizer sets one: "llama", and "gpt2" with the rules of Llama 3 or Tekken. Error names file and key,
// or the tokenizer or rule that is not known.
[[nodiscard]] GgufTokenizer readGgufTokenizer(const gguf::Metadata& metadata);
// Whether there is one: GGUF files without a tokenizer exist.
[[nodiscard]] bool hasGgufTokenizer(const gguf::Metadata& metadata);

struct GgufChat {
  struct Template {
    std::string name;  // "default" or the name the file gives
    std::string text;  // Jinja
  };
  std::vector<Template> templates;  // the default one first; empty: the model has none
  // Pieces a template may name: "bos_token", "eos_token", "unk_token", "pad_token"; those the file gives.
  std::vector<std::pair<std::string, std::string>> special_tokens;
};

// Error names file and key.
[[nodiscard]] GgufChat readGgufChat(const gguf::Metadata& metadata);

}  // namespace kvatlas::text
