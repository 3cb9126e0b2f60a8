// The text of prompt tokens as people can read it, and finding positions by text, span or number; knows the prompt
// only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::views {

// The bytes of a token; empty where the prompt was given as ids.
[[nodiscard]] std::string_view tokenBytes(const trace::Prompt& prompt, TokenIndex position);

// Valid UTF-8 in one line: a leading space as ·, line ends as ↵, tabs as ⇥, other control characters and bytes that are
// no UTF-8 (half of a character) as ⟨0A⟩.
[[nodiscard]] std::string visibleText(std::string_view bytes);
// visibleText, or "#id" without a text.
[[nodiscard]] std::string tokenText(const trace::Prompt& prompt, TokenIndex position);

// Names of the spans a position lies in, the innermost first, joined by ", ".
[[nodiscard]] std::string spansAt(const trace::Prompt& prompt, TokenIndex position);

struct TokenMatch {
  enum Kind { Position, SpanName, Text } kind = Text;
  TokenIndex begin = 0, end = 0;  // [begin, end)
};

// What a query may mean: a position ("1730"), spans whose name holds it, tokens whose joined text holds it (ASCII case
// does not matter). Ascending by begin, at most `most`.
[[nodiscard]] std::vector<TokenMatch> findTokens(const trace::Prompt& prompt, std::string_view query,
                                                 std::size_t most = 10'000);

}  // namespace kvatlas::views
