#include "core/metrics/words.h"

#include "core/base/utf8.h"
#include "core/text/regex.h"
#include "core/text/template/letters.h"

namespace kvatlas::metrics {
namespace {

// Marks of Chinese typography and general punctuation that LongBench's Chinese F1 ignores, beside ASCII's.
constexpr std::string_view kChineseMarks =
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟"
    "〰〾〿"
    "–—‘’‛“”„‟…‧﹏";

bool isAsciiMark(std::string_view character) {
  constexpr std::string_view kMarks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return character.size() == 1 && kMarks.find(character.front()) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> splitAtBlanks(std::string_view text) {
  std::vector<std::string> words(1);
  for (const std::string_view character : text::jinja::characters(text))
    if (!text::jinja::isBlank(readUtf8(character).code_point))
      words.back() += character;
    else if (!words.back().empty())
      words.emplace_back();
  if (words.back().empty()) words.pop_back();
  return words;
}

std::vector<std::string> splitAt(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string> numbersIn(std::string_view text) {
  static const text::Regex digits("\\p{Nd}+", "numbers of an answer");
  text::Matcher matcher(digits);
  std::vector<text::Matcher::Range> ranges;
  matcher.findAll(text, ranges);
  std::vector<std::string> numbers;
  for (const auto& [begin, end] : ranges) numbers.emplace_back(text.substr(begin, end - begin));
  return numbers;
}

std::string withoutPunctuation(std::string_view text, bool chinese) {
  std::string kept;
  for (const std::string_view character : text::jinja::characters(text))
    if (!isAsciiMark(character) &&
        !(chinese && character.size() > 1 && kChineseMarks.find(character) != std::string_view::npos))
      kept += character;
  return kept;
}

std::string_view firstLine(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of('\n'), text.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace kvatlas::metrics
