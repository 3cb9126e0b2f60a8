// Letters and blanks of Unicode as Python's str methods see them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::text::jinja {

// What str.isspace() is true for, which strip() takes and `\s` matches.
[[nodiscard]] bool isBlank(std::uint32_t code_point);
[[nodiscard]] std::string_view stripLeft(std::string_view text);
[[nodiscard]] std::string_view stripRight(std::string_view text);
// The same with the characters of `characters`.
[[nodiscard]] std::string_view stripLeft(std::string_view text, std::string_view characters);
[[nodiscard]] std::string_view stripRight(std::string_view text, std::string_view characters);

// Full case mapping (ß → SS, ﬁ → FI, Σ at a word's end → ς).
[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string capitalized(std::string_view text);
[[nodiscard]] bool isLetter(std::uint32_t code_point);

// Strings are sequences of code points; bytes that form none count one each.
[[nodiscard]] std::vector<std::string_view> characters(std::string_view text);
[[nodiscard]] std::size_t characterCount(std::string_view text);

}  // namespace kvatlas::text::jinja
