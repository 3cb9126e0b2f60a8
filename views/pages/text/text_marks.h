// How each visible token of the prompt text looks, merged into one format per run of equal tokens: QPlainTextEdit draws
// only one of several overlapping formats.
#pragma once

#include <QPlainTextEdit>
#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "views/models/palette.h"

namespace kvatlas::views {

struct TokenLook {
  bool evicted = false, span = false, query = false, key = false, match = false, current_match = false;
  std::uint8_t shade = 0;  // 0 … kShades
  friend bool operator==(const TokenLook&, const TokenLook&) = default;
};
inline constexpr int kShades = 16;

// Background of the query and of the key under the cursor.
[[nodiscard]] Rgb queryColour(Theme theme);
[[nodiscard]] Rgb keyColour(Theme theme);

// One selection per run of tokens with equal looks. `begins`: [N+1] first character of each token of the text;
// looks[i] belongs to token first + i.
[[nodiscard]] QList<QTextEdit::ExtraSelection> marksOf(const QPlainTextEdit& text, const std::vector<int>& begins,
                                                       TokenIndex first, const std::vector<TokenLook>& looks);

}  // namespace kvatlas::views
