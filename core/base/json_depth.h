// How deeply JSON is nested, found before it is parsed: parsed values are copied and printed recursively.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace kvatlas {

inline constexpr std::size_t kMostJsonLevels = 64;

// Whether lists and objects are nested deeper than this. Any text; only brackets outside strings count.
[[nodiscard]] constexpr bool isDeeperThan(std::string_view text, std::size_t most_levels = kMostJsonLevels) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') ++at;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > most_levels) return true;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return false;
}

// Parsed untrusted JSON; a discarded value where it is not valid or nested too deeply.
[[nodiscard]] inline nlohmann::json parseOrDiscard(std::string_view text) {
  return isDeeperThan(text) ? nlohmann::json(nlohmann::json::value_t::discarded)
                            : nlohmann::json::parse(text, nullptr, false);
}

}  // namespace kvatlas
