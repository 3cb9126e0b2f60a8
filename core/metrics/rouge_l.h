// ROUGE-L as the Python package `rouge` 1.0.1 computes it: sets of words in the union of the longest common
// subsequences of all pairs of sentences, which end at full stops.
#pragma once

#include <string_view>

namespace kvatlas::metrics {

// The F-measure; 0 for a text without a sentence, where the package refuses and LongBench counts 0. The package also
// fails where a pair of sentences has about 980 words together, at Python's limit of recursion; here it gets its score.
// Error: sentences too long to compare.
[[nodiscard]] double rougeL(std::string_view prediction, std::string_view truth);

}  // namespace kvatlas::metrics
