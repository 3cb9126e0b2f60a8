// The merges of a SentencePiece BPE vocabulary, which gives scores alone; knows no file.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace kvatlas::text {

struct ScoredPiece {
  std::string_view text;  // valid UTF-8
  double score = 0;
  bool merges = true;  // false: control and byte pieces, which no merge makes
};

// "merges" of a tokenizer.json in the order Hugging Face Transformers gives them: every way to make a piece of two
// others; higher scores first, of equal ones longer left parts (in characters), then longer right parts. Pieces longer
// than `kLongestMerged` bytes are made of nothing.
inline constexpr std::size_t kLongestMerged = 256;
[[nodiscard]] nlohmann::json mergesByScore(std::span<const ScoredPiece> pieces);

}  // namespace kvatlas::text
