// Keys that stand twice in the outermost object of a JSON text: parsers silently keep the last; knows no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kvatlas {

// The first key that repeats an earlier one. Any text: keys after a syntax error are not seen.
[[nodiscard]] std::optional<std::string> repeatedKey(std::string_view text);

}  // namespace kvatlas
