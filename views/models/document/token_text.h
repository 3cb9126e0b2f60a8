// Readable text of prompt tokens, and search for positions by text, span name or
// index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::views {

// The bytes of a token; empty if the prompt was given as ids.
[[nodiscard]] std::string_view tokenBytes(const trace::Prompt& prompt, TokenIndex position);

// Valid single-line UTF-8: a leading space as ·, newlines as ↵, tabs as ⇥, other control characters and invalid UTF-8
// bytes (part of a character) as ⟨0A⟩.
[[nodiscard]] std::string visibleText(std::string_view bytes);
// visibleText, or "#id" if the prompt has no text.
[[nodiscard]] std::string tokenText(const trace::Prompt& prompt, TokenIndex position);

// Names of the spans that contain a position, innermost first, joined by ", ".
[[nodiscard]] std::string spansAt(const trace::Prompt& prompt, TokenIndex position);

struct TokenMatch {
  enum Kind { Position, SpanName, Text } kind = Text;
  TokenIndex begin = 0, end = 0;  // [begin, end)
};

// Matches of a query: a position ("1730"), spans whose name contains it, tokens whose joined text contains it (ASCII
// case-insensitive). Ascending by begin, at most `most`.
[[nodiscard]] std::vector<TokenMatch> findTokens(const trace::Prompt& prompt, std::string_view query,
                                                 std::size_t most = 10'000);

}  // namespace kvatlas::views
