#include "core/metrics/segmenter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/sha256.h"
#include "core/base/utf8.h"
#include "core/text/template/letters.h"

namespace kvatlas::metrics {
namespace {

constexpr const char* kDebianFolder = "/usr/lib/python3/dist-packages/jieba";

bool isHan(std::uint32_t c) {
  return c >= 0x4E00 && c <= 0x9FD5;
}
bool isAlphanumeric(std::uint32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool isDigit(std::uint32_t c) {
  return c >= '0' && c <= '9';
}
// What jieba looks up in its dictionary; everything else is a word of its own.
bool isWordCharacter(std::uint32_t c) {
  return isHan(c) || isAlphanumeric(c) ||
         (c < 0x80 && std::string_view("+#&._%-").find(static_cast<char>(c)) != std::string_view::npos);
}

}  // namespace

// A run of word characters on its way to words.
class Segmenter::Block {
 public:
  Block(const Segmenter& of, std::string_view text, std::vector<std::string_view>& words)
      : m_of(of), m_text(text), m_words(words) {
    for (std::size_t at = 0; at < text.size(); at += utf8Length(text[at])) {
      m_starts.push_back(at);
      m_characters.push_back(codePointAt(text, at));
    }
    m_starts.push_back(text.size());
  }

  void cut() {
    const std::vector<std::size_t> ends = bestPath();
    std::size_t single = 0;  // beginning of the characters left single
    for (std::size_t at = 0; at < size(); at = ends[at]) {
      if (ends[at] - at == 1) continue;
      cutSingles(single, at);
      m_words.push_back(part(at, ends[at]));
      single = ends[at];
    }
    cutSingles(single, size());
  }

 private:
  [[nodiscard]] std::size_t size() const { return m_characters.size(); }
  [[nodiscard]] std::string_view part(std::size_t begin, std::size_t end) const {
    return m_text.substr(m_starts[begin], m_starts[end] - m_starts[begin]);
  }

  // The count of a word; nullptr if no word begins with it.
  [[nodiscard]] const std::uint64_t* countOf(std::size_t begin, std::size_t end) const {
    const auto found = m_of.m_counts.find(part(begin, end));
    return found == m_of.m_counts.end() ? nullptr : &found->second;
  }

  // For each character the end of the word that begins there on the most probable path to the end; ties to the longest.
  [[nodiscard]] std::vector<std::size_t> bestPath() const {
    std::vector<double> best(size() + 1, 0);
    std::vector<std::size_t> ends(size());
    for (std::size_t at = size(); at-- > 0;) {
      const auto consider = [&](std::size_t end, std::uint64_t count) {
        const double sum =
            std::log(static_cast<double>(std::max<std::uint64_t>(count, 1))) - m_of.m_log_total + best[end];
        if (ends[at] != 0 && sum < best[at]) return;
        best[at] = sum;
        ends[at] = end;
      };
      const std::uint64_t* count = countOf(at, at + 1);
      for (std::size_t end = at + 1; count != nullptr;) {
        if (*count > 0) consider(end, *count);
        count = ++end <= size() ? countOf(at, end) : nullptr;
      }
      if (ends[at] == 0) consider(at + 1, 0);
    }
    return ends;
  }

  void cutSingles(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const std::uint64_t* count = end - begin > 1 ? countOf(begin, end) : nullptr;
    if (end - begin == 1 || (count != nullptr && *count > 0)) {
      for (std::size_t at = begin; at < end; ++at) m_words.push_back(part(at, at + 1));
      return;
    }
    while (begin < end) begin = isHan(m_characters[begin]) ? cutHan(begin, end) : cutOther(begin, end);
  }

  std::size_t cutHan(std::size_t begin, std::size_t end) {
    std::size_t stop = begin;
    while (stop < end && isHan(m_characters[stop])) ++stop;
    for (const std::size_t length : m_of.m_markov.wordLengths(std::span(m_characters).subspan(begin, stop - begin))) {
      m_words.push_back(part(begin, begin + length));
      begin += length;
    }
    return stop;
  }

  // A number or Latin word with its decimals and percent sign, or what stands before the next one.
  std::size_t cutOther(std::size_t begin, std::size_t end) {
    const auto run = [&](std::size_t at, auto belongs) {
      while (at < end && belongs(m_characters[at])) ++at;
      return at;
    };
    std::size_t stop = run(begin, isAlphanumeric);
    if (stop == begin) {
      stop = run(begin, [](std::uint32_t c) { return !isHan(c) && !isAlphanumeric(c); });
    } else {
      const bool point = stop + 1 < end && m_characters[stop] == '.' && isDigit(m_characters[stop + 1]);
      if (point) stop = run(stop + 1, isDigit);
      if (stop < end && m_characters[stop] == '%') ++stop;
    }
    m_words.push_back(part(begin, stop));
    return stop;
  }

  const Segmenter& m_of;
  std::string_view m_text;
  std::vector<std::string_view>& m_words;
  std::vector<std::size_t> m_starts;  // [characters + 1]
  std::vector<std::uint32_t> m_characters;
};

Segmenter::Segmenter(const std::filesystem::path& folder) : m_markov(folder / "finalseg") {
  readDictionary(folder / "dict.txt");
}

// Lines "word count tag". Every beginning of a word is listed too, so that a search knows when to stop.
void Segmenter::readDictionary(const std::filesystem::path& path) {
  m_text = readFile(path, std::uint64_t{256} << 20);
  m_sha256 = sha256Hex(m_text);
  m_counts.reserve(m_text.size() / 8);
  std::uint64_t total = 0;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < m_text.size(); ++number) {
    const std::size_t stop = std::min(m_text.find('\n', begin), m_text.size());
    const std::string_view line = std::string_view(m_text).substr(begin, stop - begin);
    begin = stop + 1;
    const std::size_t space = line.find(' ');
    std::uint64_t count = 0;
    if (space == std::string_view::npos || !isValidUtf8(line) ||
        std::from_chars(line.data() + space + 1, line.data() + line.size(), count).ec != std::errc{})
      fail("{}:{}: expected a word and its count", path.string(), number + 1);
    const std::string_view word = line.substr(0, space);
    total += count;
    for (std::size_t at = 0; at < word.size(); at += utf8Length(word[at]))
      m_counts.try_emplace(word.substr(0, at + utf8Length(word[at])), 0);
    m_counts[word] = count;
  }
  if (total == 0) fail("{}: is empty", path.string());
  m_log_total = std::log(static_cast<double>(total));
}

std::vector<std::string_view> Segmenter::cut(std::string_view text) const {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && isWordCharacter(codePointAt(text, end))) end += utf8Length(text[end]);
    if (end > at) {
      Block(*this, text.substr(at, end - at), words).cut();
    } else {
      end += text.substr(at).starts_with("\r\n") ? 2 : utf8Length(text[at]);
      words.push_back(text.substr(at, end - at));
    }
    at = end;
  }
  return words;
}

std::filesystem::path jiebaFolder() {
  std::error_code code;
  if (const char* given = std::getenv("KVATLAS_JIEBA"); given != nullptr && *given != '\0') {
    if (!std::filesystem::exists(std::filesystem::path(given) / "dict.txt", code))
      fail("KVATLAS_JIEBA: {}: contains no dict.txt; expected the folder of the Python package jieba", given);
    return given;
  }
  if (std::filesystem::exists(std::filesystem::path(kDebianFolder) / "dict.txt", code)) return kDebianFolder;
  fail(
      "Chinese answers are split into words with jieba's dictionary, which is not here: install Debian's "
      "python3-jieba, "
      "or set KVATLAS_JIEBA to the folder of the Python package jieba");
}

const Segmenter& jieba() {
  static const Segmenter segmenter(jiebaFolder());
  return segmenter;
}

}  // namespace kvatlas::metrics
