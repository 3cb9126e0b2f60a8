// Cuts a normalised text into the pieces of a SentencePiece model: BPE by scores, or the most likely path (Unigram;
// Kudo 2018).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/text/bpe/bpe.h"
#include "core/text/sentencepiece/model_file.h"
#include "core/text/sentencepiece/piece_trie.h"

namespace kvatlas::text {

// Immutable; may be used from several threads. The same pieces as SentencePiece itself.
class PieceEncoder {
 public:
  explicit PieceEncoder(SentencePieceModel model);
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;

  // Appends the tokens of `text`, which begins at byte `begin` of the whole.
  void encode(std::string_view text, std::size_t begin, std::vector<PlacedToken>& tokens) const;

 private:
  struct Cut {
    std::size_t begin, end;
    TokenId id;
  };

  [[nodiscard]] std::vector<Cut> byMerges(std::string_view text) const;
  [[nodiscard]] std::vector<Cut> byLikelihood(std::string_view text) const;
  [[nodiscard]] TokenId idOf(std::string_view piece) const;  // the unknown one where there is none

  SentencePieceModel m_model;
  std::unordered_map<std::string_view, TokenId> m_ids;  // of normal, user-defined and unused pieces
  PieceTrie m_trie;                                     // Unigram: of the usable ones
  float m_unknown_score = 0;                            // Unigram: of a character without a piece
  std::array<std::optional<TokenId>, 256> m_bytes;      // "<0x0A>"
};

}  // namespace kvatlas::text
