// The rules by which byte-level tokenizers cut a text into words, by the names GGUF files give them; knows no file.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace kvatlas::text {

struct WordRule {
  const char* split = nullptr;     // regular expression of a word; nullptr: ByteLevel's own
  bool digits_apart = false;       // each digit is a word, before anything else
  bool whole_words_first = false;  // a word that is a piece is that piece, whatever merges say
  bool begins_with_bos = false;    // where the file does not say
};

// nullptr for a name that is not known.
[[nodiscard]] const WordRule* wordRule(std::string_view name);
// As the "pre_tokenizer" of a tokenizer.json.
[[nodiscard]] nlohmann::json preTokenizerJson(const WordRule& rule);

}  // namespace kvatlas::text
