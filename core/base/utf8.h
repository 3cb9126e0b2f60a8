// UTF-8 in and out of code points; knows no tokenizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvatlas {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// What stands at the start of a byte string: a character, or the maximal subpart of an ill-formed one (Unicode 15,
// §3.9, table 3-8).
struct Utf8Unit {
  std::uint32_t code_point = 0;  // U+FFFD when not valid
  std::uint32_t length = 1;      // bytes, ≥ 1
  bool valid = false;
};

// bytes must not be empty.
[[nodiscard]] Utf8Unit readUtf8(std::string_view bytes);

// The length in bytes of the character that begins with this lead byte; only for text known to be valid.
[[nodiscard]] inline std::size_t utf8Length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// The character at `at` of text known to be valid.
[[nodiscard]] std::uint32_t codePointAt(std::string_view valid_text, std::size_t at);

void appendUtf8(std::string& out, std::uint32_t code_point);
[[nodiscard]] bool isValidUtf8(std::string_view bytes);
// "name: byte 3 is not UTF-8 …" for a text that is read with U+FFFD in places; empty for valid UTF-8.
[[nodiscard]] std::string utf8Notice(std::string_view bytes, const std::string& name);

// Unicode White_Space.
[[nodiscard]] bool isWhitespace(std::uint32_t code_point);

}  // namespace kvatlas
