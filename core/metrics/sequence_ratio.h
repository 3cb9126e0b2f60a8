// How alike two texts are, as fuzzywuzzy's fuzz.ratio says, by either of the matchers it may find: Python's difflib,
// or python-Levenshtein where that is installed.
#pragma once

#include <string_view>

namespace kvatlas::metrics {

// Whole percent. Difflib is what the requirements of LongBench and of KVCache-Factory lead to. Error for texts whose
// comparison would take minutes.
[[nodiscard]] double ratioByDifflib(std::string_view a, std::string_view b);
[[nodiscard]] double ratioByLevenshtein(std::string_view a, std::string_view b);

}  // namespace kvatlas::metrics
