// The content of a tokenizer.model: pieces with their scores and types, and how a text is normalised (the fields of
// SentencePiece's ModelProto that encoding needs).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::text {

enum class PieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

struct SentencePiece {
  std::string text;  // valid UTF-8, never empty
  float score = 0;
  PieceType type = PieceType::Normal;
};

struct SentencePieceModel {
  enum class Kind { Unigram = 1, Bpe = 2 };

  std::vector<SentencePiece> pieces;  // by id
  Kind kind = Kind::Unigram;
  TokenId unknown = 0;
  std::optional<TokenId> bos, eos;
  bool byte_fallback = false;
  std::string charsmap;  // compiled replacements of characters; empty: none
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

// Error names file and field: no such file, not a SentencePiece model, a kind other than BPE and Unigram, pieces that
// stand there twice, no unknown piece.
[[nodiscard]] SentencePieceModel readSentencePieceModel(const std::filesystem::path& path);

}  // namespace kvatlas::text
