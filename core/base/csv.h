// Cells of CSV tables (RFC 4180).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// Quotes the text and doubles any quotes in it.
[[nodiscard]] std::string csvQuoted(std::string_view text);

// Quotes only text with a comma, a quote or a line end.
[[nodiscard]] std::string csvCell(std::string_view text);

// The cells of every line; empty lines are left out. Error naming `where` for a quote that never ends.
[[nodiscard]] std::vector<std::vector<std::string>> parseCsv(std::string_view text, const std::string& where);

}  // namespace kvatlas
