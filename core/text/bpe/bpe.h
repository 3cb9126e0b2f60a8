// Byte-pair encoding of one word after another; knows neither normalisers nor special tokens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/json_field.h"
#include "core/text/flat_map.h"
#include "core/text/vocabulary.h"

namespace kvatlas::text {

// A token and where it begins in the text.
struct PlacedToken {
  TokenId id = 0;
  std::size_t begin = 0;
};

// The units that merges start from.
enum class BpeUnits {
  Bytes,      // each byte, written as its character of the byte-level alphabet
  Characters  // each UTF-8 character; unknown ones as bytes "<0x0A>" (byte_fallback) or as the unknown token
};

// The model part of tokenizer.json. The result is the one of Hugging Face `tokenizers`: the pair of lowest rank merges
// first, of equal ranks the leftmost. Immutable after reading; may be used from several threads.
class BpeModel {
 public:
  // Error on wrong types, merges of unknown pieces and options that change the result and are not built here.
  [[nodiscard]] static BpeModel read(const JsonField& model, BpeUnits units);

  [[nodiscard]] const Vocabulary& vocabulary() const { return m_vocabulary; }
  // Added tokens stand in it too; the model finds none of them in a word.
  [[nodiscard]] Vocabulary& vocabulary() { return m_vocabulary; }

 private:
  friend class BpeEncoder;
  struct Merge {
    std::uint32_t rank = 0;
    TokenId result = 0;
  };

  void readMerges(const JsonField& model);
  // Empty, or why it cannot be.
  [[nodiscard]] std::string addMerge(const nlohmann::json& entry);
  void prepareBytes();
  void prepareCharacters(const JsonField& model);
  void prepareCuts();
  [[nodiscard]] const Merge* merge(TokenId left, TokenId right) const {
    return m_merges.find(std::uint64_t{left} << 32 | right);
  }

  Vocabulary m_vocabulary;
  FlatMap<Merge> m_merges;         // left << 32 | right
  std::vector<TokenId> m_results;  // [rank]
  BpeUnits m_units = BpeUnits::Characters;
  bool m_ignore_merges = false;  // a word that is a piece is that piece
  bool m_fuse_unknown = false;
  bool m_byte_fallback = false;
  std::optional<TokenId> m_unknown;
  std::array<std::optional<TokenId>, 256> m_byte_tokens;  // "<0x00>" …
  std::array<std::optional<TokenId>, 256> m_byte_units;   // BpeUnits::Bytes
  PieceIds m_words;                                       // BpeUnits::Bytes and ignore_merges: a piece's bytes
  FlatMap<TokenId> m_character_units;                     // BpeUnits::Characters: code point → id
  FlatMap<char> m_inner_pairs;                            // neighbours (code points) inside some result of a merge
  bool m_can_cut = false;
};

// Encodes the words of one text and remembers some it has seen. The words must stay where they are while it lives.
class BpeEncoder {
 public:
  BpeEncoder(const BpeModel& model, std::size_t text_bytes);
  // Appends the tokens of `word`, which begins at byte `begin` of the text.
  void encode(std::string_view word, std::size_t begin, std::vector<PlacedToken>& tokens);

 private:
  struct Symbol {
    TokenId id;
    std::uint32_t begin;
    std::int32_t previous, next;  // -1: none
  };
  struct Known {
    std::string_view word;
    std::size_t first = 0, count = 0;  // in m_known_tokens, begins counted from the word
  };
  static constexpr TokenId kMerged = ~TokenId{0};
  static constexpr std::size_t kLongestKnown = 64;

  [[nodiscard]] std::size_t nextCut(std::string_view word, std::size_t from) const;
  [[nodiscard]] std::optional<TokenId> wholeWord(std::string_view word) const;
  [[nodiscard]] Known& slotOf(std::string_view word);
  void encodeUncut(std::string_view word, std::size_t begin, std::vector<PlacedToken>& tokens);
  void splitIntoSymbols(std::string_view word);
  void splitIntoCharacters(std::string_view word);
  void addSymbol(TokenId id, std::size_t begin);
  void addUnknownUnit(std::string_view spelling, std::size_t begin);
  void flushUnknown();
  void mergeSymbols();
  void queuePair(std::int32_t left);

  const BpeModel& m_model;
  std::vector<Symbol> m_symbols;
  std::vector<std::uint64_t> m_queue;            // a heap of rank << 32 | position, lowest on top
  std::optional<std::size_t> m_pending_unknown;  // where an unknown token not yet added begins
  std::vector<Known> m_known;                    // by hash; a new word drives out the one in its slot
  std::vector<PlacedToken> m_known_tokens;
};

}  // namespace kvatlas::text
