// The tokens that stand in the files beside a tokenizer.json: tokenizer_config.json, added_tokens.json and
// special_tokens_map.json, as AutoTokenizer of Transformers adds them. Knows no text.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace kvatlas::text {

struct FolderTokens {
  std::optional<std::string> bos, eos;  // pieces, as the files name them
  std::vector<std::string> notices;     // what a user should know: one sentence each
};

// Adds to the "added_tokens" of a tokenizer.json what only the files beside it name, with their flags, and replaces the
// flags of those that added_tokens_decoder gives anew. Transformers 5.24 and 4.57 agree: added_tokens_decoder, where
// there is one, in the order of its ids; without it special_tokens_map.json and added_tokens.json; then the named and
// additional special tokens. Each gets the id behind the last, as there; a notice where the file states another one.
//
// add_bos_token and add_eos_token are read by neither: beside a tokenizer.json Transformers 5.24 ignores them, the
// post-processor alone decides. Transformers 4.57 obeys them for tokenizer_class LlamaTokenizer(Fast); where that gives
// other ids, a notice says so.
//
// Error names file and field.
[[nodiscard]] FolderTokens addFolderTokens(const std::filesystem::path& folder, nlohmann::json& tokenizer);

}  // namespace kvatlas::text
