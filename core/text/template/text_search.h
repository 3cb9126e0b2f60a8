// Searching, splitting and replacing in strings as Python does it, in linear time.
#pragma once

#include <string_view>
#include <vector>

#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {

// Byte offsets; npos: none.
[[nodiscard]] std::size_t firstFound(std::string_view text, std::string_view wanted);
[[nodiscard]] std::size_t lastFound(std::string_view text, std::string_view wanted);
// Without overlap from the left, `most` at most (-1: all). wanted is not empty.
[[nodiscard]] std::vector<std::size_t> findAll(std::string_view text, std::string_view wanted, std::int64_t most);

[[nodiscard]] std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator,
                                                    std::int64_t most, bool from_right);
[[nodiscard]] std::vector<std::string_view> splitAtBlanks(std::string_view text, std::int64_t most, bool from_right);
[[nodiscard]] std::vector<std::string_view> splitLines(std::string_view text, bool keep_ends);
[[nodiscard]] std::string replaceAll(std::string_view text, std::string_view old, std::string_view replacement,
                                     std::int64_t most, Work& work);
[[nodiscard]] Value textList(const std::vector<std::string_view>& parts, Work& work);

}  // namespace kvatlas::text::jinja
