// Scores that look for the answer in the text: classes, numbers, whole strings.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kvatlas::metrics {

// 1 / (classes found in the prediction) if the truth is among them, else 0. A class that is part of the truth is taken
// out; as published, the class behind one taken out is not looked at.
[[nodiscard]] double classification(std::string_view prediction, std::string_view truth,
                                    std::span<const std::string> classes);
// The share of the numbers in the prediction that are the truth's.
[[nodiscard]] double countOf(std::string_view prediction, std::string_view truth);
// The same for the number behind `word` in the truth ("Paragraph 7", "段落7"). Error: the truth has none.
[[nodiscard]] double retrieval(std::string_view prediction, std::string_view truth, std::string_view word);
// Both ignore case. The share of the strings that the prediction contains; whether it contains one. Error without any.
[[nodiscard]] double stringMatchAll(std::string_view prediction, std::span<const std::string> strings);
[[nodiscard]] double stringMatchPart(std::string_view prediction, std::span<const std::string> strings);
// The first line without a comment or a code fence: what the published score compares with the line wanted.
[[nodiscard]] std::string codeLine(std::string_view prediction);

}  // namespace kvatlas::metrics
