#include "core/metrics/metrics.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/metrics/f1.h"
#include "core/metrics/matching.h"
#include "core/metrics/rouge_l.h"
#include "core/metrics/segmenter.h"
#include "core/metrics/sequence_ratio.h"

namespace kvatlas::metrics {
namespace {

template <class Score>
double best(const Reference& reference, const Score& score) {
  double most = 0;
  for (const std::string& answer : reference.answers) most = std::max(most, score(answer));
  return most;
}

std::string spaced(std::string_view text) {
  std::string joined;
  for (const std::string_view word : jieba().cut(text)) joined.append(joined.empty() ? "" : " ").append(word);
  return joined;
}

double scoreF1(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return f1(prediction, answer); });
}
double scoreChineseF1(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return chineseF1(prediction, answer, jieba()); });
}
double scoreRouge(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return rougeL(prediction, answer); });
}
double scoreChineseRouge(std::string_view prediction, const Reference& reference) {
  const std::string given = spaced(prediction);
  return best(reference, [&](const std::string& answer) { return rougeL(given, spaced(answer)); });
}
double scoreClassification(std::string_view prediction, const Reference& reference) {
  return best(reference,
              [&](const std::string& answer) { return classification(prediction, answer, reference.classes); });
}
double scoreRetrieval(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return retrieval(prediction, answer, "Paragraph "); });
}
double scoreChineseRetrieval(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return retrieval(prediction, answer, "段落"); });
}
double scoreCount(std::string_view prediction, const Reference& reference) {
  return best(reference, [&](const std::string& answer) { return countOf(prediction, answer); });
}
double scoreCode(std::string_view prediction, const Reference& reference) {
  const std::string line = codeLine(prediction);
  return best(reference, [&](const std::string& answer) { return ratioByDifflib(line, answer) / 100; });
}
double scoreCodeByLevenshtein(std::string_view prediction, const Reference& reference) {
  const std::string line = codeLine(prediction);
  return best(reference, [&](const std::string& answer) { return ratioByLevenshtein(line, answer) / 100; });
}
double scoreStringMatchAll(std::string_view prediction, const Reference& reference) {
  return stringMatchAll(prediction, reference.answers);
}
double scoreStringMatchPart(std::string_view prediction, const Reference& reference) {
  return stringMatchPart(prediction, reference.answers);
}

constexpr std::array kMetrics{
    Metric{"f1", scoreF1, false, "F1 of the words, without articles and punctuation"},
    Metric{"f1_zh", scoreChineseF1, true, "F1 of jieba's words, without punctuation"},
    Metric{"rouge_l", scoreRouge, false, "F-measure of ROUGE-L, as the package rouge computes it"},
    Metric{"rouge_l_zh", scoreChineseRouge, true, "the same of jieba's words"},
    Metric{"classification", scoreClassification, false, "1 / classes named, if the right one is among them"},
    Metric{"retrieval", scoreRetrieval, false, "share of the numbers that are the right paragraph's"},
    Metric{"retrieval_zh", scoreChineseRetrieval, false, "the same for 段落"},
    Metric{"count", scoreCount, false, "share of the numbers that are right"},
    Metric{"code_sim", scoreCode, false, "fuzzywuzzy's ratio with difflib, of the first line of code"},
    Metric{"code_sim_levenshtein", scoreCodeByLevenshtein, false, "the same with python-Levenshtein"},
    Metric{"string_match_all", scoreStringMatchAll, false, "share of the answers that occur, in any case"},
    Metric{"string_match_part", scoreStringMatchPart, false, "whether one of the answers occurs, in any case"}};

}  // namespace

std::span<const Metric> metrics() {
  return kMetrics;
}

const Metric& findMetric(std::string_view name) {
  const auto* const found = std::ranges::find(kMetrics, name, &Metric::name);
  if (found != kMetrics.end()) return *found;
  std::vector<std::string> names;
  for (const Metric& metric : kMetrics) names.emplace_back(metric.name);
  failUsage("metric '{}': unknown{}", name, suggestion(name, names));
}

}  // namespace kvatlas::metrics
