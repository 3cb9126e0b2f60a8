// The text in which facts are hidden: files read in a fixed order, as tokens with known sentence ends. No
// model.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/text/tokenizer.h"

namespace kvatlas::evaluation {

struct HaystackText {
  std::string name;                          // of the file or folder; several: "first and 2 more"
  std::string text;                          // all files, one after the other
  std::string sha256;                        // of the text
  std::vector<std::filesystem::path> paths;  // as given
  std::vector<std::string> notices;          // of files that are not UTF-8: one sentence each
};

// Each path is a text file, or a folder whose *.txt files are read sorted by name. Error: missing,
// unreadable, empty.
[[nodiscard]] HaystackText readHaystack(std::span<const std::filesystem::path> paths);

// Whether a sentence ends just before byte `at`: a full stop, exclamation or question mark, closing quotes or brackets,
// white space before or after `at`. "Mr. Elliot" and "J. Austen" do not end one. Marks of other scripts (。！？ …) need
// no white space.
[[nodiscard]] bool endsSentence(std::string_view text, std::size_t at);

class Haystack {
 public:
  // Encodes the text, repeated until it has `repeated_to` tokens.
  Haystack(const HaystackText& text, const text::Tokenizer& tokenizer, std::size_t repeated_to = 0);

  [[nodiscard]] std::span<const TokenId> ids() const { return m_ids; }
  // Token counts after which a sentence ends, ascending; includes 0 and the end of the text.
  [[nodiscard]] std::span<const TokenIndex> sentenceEnds() const { return m_sentence_ends; }
  // The last one at or before `position` and not below `from`; `from` if there is none.
  [[nodiscard]] TokenIndex sentenceEndBefore(TokenIndex position, TokenIndex from) const;
  // The same, but `position` itself, at the start of a character, where that end is more than 256 tokens and a tenth of
  // the context away, or the context has no sentence end: code, a list.
  [[nodiscard]] TokenIndex placeBefore(TokenIndex position, TokenIndex from, std::size_t context) const;

 private:
  std::vector<TokenId> m_ids;
  std::vector<bool> m_begins_character;  // [tokens] whether a token begins at the start of a character
  std::vector<TokenIndex> m_sentence_ends;
};

}  // namespace kvatlas::evaluation
