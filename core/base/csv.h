// Cells of CSV tables (RFC 4180).
#pragma once

#include <string>
#include <string_view>

namespace kvatlas {

// Quotes the text and doubles any quotes in it.
[[nodiscard]] std::string csvQuoted(std::string_view text);

// Quotes only text with a comma, a quote or a line end.
[[nodiscard]] std::string csvCell(std::string_view text);

}  // namespace kvatlas
