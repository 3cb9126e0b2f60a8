// Tokens found in a text before the model sees it: "<s>", "<|eot_id|>" and what a user added; knows no merges.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/text/aligned_text.h"
#include "core/text/flat_map.h"
#include "core/text/regex.h"

namespace kvatlas::text {

struct AddedToken {
  TokenId id = 0;
  std::string content;     // as the file has it
  std::string normalized;  // as the normaliser leaves it; only for matches_normalized
  bool single_word = false;
  bool strip_left = false;   // takes the white space before it
  bool strip_right = false;  // and behind it
  bool matches_normalized = false;
  bool special = false;

  // What is looked for in the text, and what a decoder sees.
  [[nodiscard]] const std::string& pattern() const { return matches_normalized ? normalized : content; }
};

// Finds a set of patterns, the leftmost first, of those the longest.
class AddedTokenFinder {
 public:
  AddedTokenFinder();
  // Tokens with an empty pattern are never found.
  void add(const AddedToken& token);
  // Cuts the spans that are no tokens.
  void apply(SpannedText& spanned) const;

 private:
  struct Found {
    std::size_t begin, end;
    const AddedToken* token;
  };
  [[nodiscard]] bool findNext(std::string_view text, std::size_t from, Found& found) const;
  class WordCharacters;
  [[nodiscard]] static bool standsAlone(std::string_view text, const Found& found, WordCharacters& word_characters);
  void cut(const SpannedText& spanned, const Span& span, WordCharacters& word_characters,
           std::vector<Span>& spans) const;

  std::vector<AddedToken> m_tokens;
  FlatMap<std::uint32_t> m_children;     // a trie over bytes: node << 8 | byte → node; node 0 is the root
  std::vector<std::int64_t> m_token_at;  // [node] index into m_tokens, -1: none ends here
  bool m_first_bytes[256] = {};
};

}  // namespace kvatlas::text
