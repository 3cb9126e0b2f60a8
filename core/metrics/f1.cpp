#include "core/metrics/f1.h"

#include <algorithm>
#include <iterator>

#include "core/metrics/words.h"
#include "core/text/regex.h"
#include "core/text/template/letters.h"

namespace kvatlas::metrics {
namespace {

std::string withoutArticles(const std::string& text) {
  static const text::Regex articles("(?<![\\p{L}\\p{N}_])(?:a|an|the)(?![\\p{L}\\p{N}_])", "articles of an answer");
  text::Matcher matcher(articles);
  std::vector<text::Matcher::Range> ranges;
  matcher.findAll(text, ranges);
  std::string kept;
  std::size_t done = 0;
  for (const auto& [begin, end] : ranges) {
    kept.append(text, done, begin - done).append(" ");
    done = end;
  }
  return kept.append(text, done);
}

std::vector<std::string> tokensOf(std::string_view text) {
  return splitAtBlanks(withoutArticles(withoutPunctuation(text::jinja::lower(text), false)));
}

std::vector<std::string> chineseTokensOf(std::string_view text, const Segmenter& segmenter) {
  std::vector<std::string> tokens;
  for (const std::string_view word : segmenter.cut(text)) {
    std::string joined;
    for (const std::string& part : splitAtBlanks(withoutPunctuation(text::jinja::lower(word), true))) joined += part;
    if (!joined.empty()) tokens.push_back(std::move(joined));
  }
  return tokens;
}

}  // namespace

double f1OfTokens(std::vector<std::string> prediction, std::vector<std::string> truth) {
  std::ranges::sort(prediction);
  std::ranges::sort(truth);
  std::vector<std::string> common;
  std::ranges::set_intersection(prediction, truth, std::back_inserter(common));
  if (common.empty()) return 0;
  const auto same = static_cast<double>(common.size());
  const double precision = same / static_cast<double>(prediction.size()),
               recall = same / static_cast<double>(truth.size());
  return 2 * precision * recall / (precision + recall);
}

double f1(std::string_view prediction, std::string_view truth) {
  return f1OfTokens(tokensOf(prediction), tokensOf(truth));
}

double chineseF1(std::string_view prediction, std::string_view truth, const Segmenter& segmenter) {
  return f1OfTokens(chineseTokensOf(prediction, segmenter), chineseTokensOf(truth, segmenter));
}

}  // namespace kvatlas::metrics
