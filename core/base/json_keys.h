// The keys of the outermost object of a JSON text as they stand there: parsers sort them, and silently keep the last of
// two alike; knows no file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// The first key that repeats an earlier one. Any text: keys after a syntax error are not seen.
[[nodiscard]] std::optional<std::string> repeatedKey(std::string_view text);
// Each key once, in their order.
[[nodiscard]] std::vector<std::string> outermostKeys(std::string_view text);

}  // namespace kvatlas
