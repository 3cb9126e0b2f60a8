// Porter's English stemmer (Program 14.3, 1980) with the changes used for the published ROUGE
// scores.
#pragma once

#include <string>
#include <string_view>

namespace kvatlas::evaluation {

// The stem of a word of lower-case letters and digits: "sandwiches" → "sandwich". Matches NLTK's PorterStemmer.
[[nodiscard]] std::string porterStem(std::string_view word);

}  // namespace kvatlas::evaluation
