// What the programmes write to the terminal: lines that never disturb the work, and text from files made harmless.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kvatlas {

// Opens /dev/null in place of a closed standard stream, so that no file of the program gets its number; using the
// stream still fails. Call first in main().
void reserveStandardStreams();

// Writes to stderr; where that is impossible (a full disk, a pipe without a reader), drops the text.
void say(std::string_view text) noexcept;

inline constexpr std::size_t kMostShown = 1000;

// One line of UTF-8: control characters and those that change the writing direction as "\u001b", invalid bytes as
// U+FFFD; cut with "…" after `most` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = kMostShown);

// The same for text of several lines, uncut: line ends and tabs stay.
[[nodiscard]] std::string printableLines(std::string_view text);

}  // namespace kvatlas
