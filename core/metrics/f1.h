// Token F1 of question answering, in English (SQuAD's normalisation) and in Chinese (jieba's words).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/metrics/segmenter.h"

namespace kvatlas::metrics {

// 2pr / (p + r) of two bags of tokens; 0 without a common one.
[[nodiscard]] double f1OfTokens(std::vector<std::string> prediction, std::vector<std::string> truth);

[[nodiscard]] double f1(std::string_view prediction, std::string_view truth);
[[nodiscard]] double chineseF1(std::string_view prediction, std::string_view truth, const Segmenter& segmenter);

}  // namespace kvatlas::metrics
