// Words and numbers of a text as Python's str and re see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::metrics {

[[nodiscard]] std::vector<std::string> splitAtBlanks(std::string_view text);            // str.split()
[[nodiscard]] std::vector<std::string> splitAt(std::string_view text, char separator);  // str.split(separator)
[[nodiscard]] std::vector<std::string> numbersIn(std::string_view text);                // re.findall(r"\d+", text)
// Without the 32 marks of ASCII punctuation and, where wanted, the Chinese ones that LongBench removes.
[[nodiscard]] std::string withoutPunctuation(std::string_view text, bool chinese);
// The first line after leading line breaks.
[[nodiscard]] std::string_view firstLine(std::string_view text);

}  // namespace kvatlas::metrics
