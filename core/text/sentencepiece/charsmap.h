// The compiled replacements of characters in a SentencePiece model ("nmt_nfkc" and its like): a double-array trie over
// the bytes of what is replaced, and the texts that replace it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::text {

class Charsmap {
 public:
  // Empty bytes replace nothing. Error "where: …" on bytes that are no such table.
  Charsmap(std::string_view bytes, const std::string& where);

  struct Replacement {
    std::size_t length;     // bytes of the text that are replaced
    std::string_view with;  // valid UTF-8
  };
  // Of the longest entry that `text` begins with.
  [[nodiscard]] std::optional<Replacement> find(std::string_view text) const;

 private:
  std::vector<std::uint32_t> m_units;
  std::string m_texts;  // each ends with NUL
};

}  // namespace kvatlas::text
