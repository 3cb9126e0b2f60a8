// Cells of CSV tables (RFC 4180).
#pragma once

#include <string>
#include <string_view>

namespace kvatlas {

// The text in quotes, quotes inside it doubled.
[[nodiscard]] std::string csvQuoted(std::string_view text);

// In quotes only where the text holds a comma, a quote or a line end.
[[nodiscard]] std::string csvCell(std::string_view text);

}  // namespace kvatlas
