// Porter's English stemmer (Program 14.3, 1980) with the changes the published ROUGE scores are computed with; knows
// only words.
#pragma once

#include <string>
#include <string_view>

namespace kvatlas::evaluation {

// The stem of a word of lower-case letters and digits: "sandwiches" → "sandwich". Equal to NLTK's PorterStemmer.
[[nodiscard]] std::string porterStem(std::string_view word);

}  // namespace kvatlas::evaluation
