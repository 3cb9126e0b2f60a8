// Folders whose tokenizer_config.json says LlamaTokenizer: Transformers 5 takes only the vocabulary, the merges and the
// post-processor of their tokenizer.json and builds the rest anew.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/text/tokenizer_json.h"

namespace kvatlas::text {

struct LlamaTokenizerRule {
  DummyPrefix prefix = DummyPrefix::First;  // "legacy": true gives Always, "add_prefix_space": false Never
  std::optional<bool> add_bos, add_eos;     // what tokenizer_config.json says, whatever its class
  bool rebuilt = false;                     // Transformers 5 uses its LlamaTokenizer
};

// From tokenizer_config.json and the model_type of config.json. As AutoTokenizer of Transformers 5.24: models of the
// Mistral family and Qwen2 keep their tokenizer.json. Error names a file that is no JSON object.
[[nodiscard]] LlamaTokenizerRule llamaTokenizerRule(const std::filesystem::path& folder);

// Changes a tokenizer.json as that LlamaTokenizer does, except a byte-level one. Returns a notice where Transformers 4,
// which reads tokenizer.json as it is, gives other ids; else empty.
[[nodiscard]] std::string applyLlamaTokenizer(const std::filesystem::path& folder, nlohmann::json& tokenizer);

}  // namespace kvatlas::text
