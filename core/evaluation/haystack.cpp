#include "core/evaluation/haystack.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/sha256.h"
#include "core/base/utf8.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 12> kAbbreviations = {"Mr", "Mrs", "Ms", "Dr",  "St", "Esq",
                                                             "Sr", "Jr",  "vs", "etc", "No", "Messrs"};

bool isSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<fs::path> textFilesIn(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    if (at->path().extension() == ".txt") files.push_back(at->path());
  if (code) throw Error(systemMessage(folder.string(), code.value()));
  if (files.empty()) fail("{}: contains no *.txt file", folder.string());
  std::ranges::sort(files, {}, [](const fs::path& path) { return path.filename().string(); });
  return files;
}

std::string nameFor(std::span<const fs::path> paths) {
  const fs::path first = paths.front().lexically_normal();
  const fs::path last = first.has_filename() ? first : first.parent_path();  // "essays/" is "essays"
  const std::string name = fs::is_directory(last) ? last.filename().string() : last.stem().string();
  return paths.size() == 1 ? name : fmt::format("{} and {} more", name, paths.size() - 1);
}

constexpr std::array<std::string_view, 11> kClosers = {"\"",     "'",  ")",  "]",  "\u201D", "\u2019",
                                                       "\u00BB", "」", "』", "）", "》"};
// Ends of sentences in scripts that need no blank behind them: Chinese and Japanese, Hindi, Arabic.
constexpr std::array<std::string_view, 9> kOtherEnds = {"。", "！", "？", "｡", "．", "।", "॥", "؟", "۔"};

bool startsWithCloser(std::string_view text) {
  return std::ranges::any_of(kClosers, [&](std::string_view closer) { return text.starts_with(closer); });
}
bool endsInAnotherScript(std::string_view text) {
  return std::ranges::any_of(kOtherEnds, [&](std::string_view mark) { return text.ends_with(mark); });
}

// The text without quotes and brackets that close a sentence after its punctuation.
std::string_view withoutClosers(std::string_view text) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view closer : kClosers)
      if (text.ends_with(closer)) {
        text.remove_suffix(closer.size());
        found = true;
      }
  }
  return text;
}

// "Mr" or "J" before the full stop that ends `text`.
bool isAbbreviation(std::string_view text) {
  text.remove_suffix(1);
  std::size_t begin = text.size();
  while (begin > 0 && isLetter(text[begin - 1])) --begin;
  const std::string_view word = text.substr(begin);
  const bool initial = word.size() == 1 && word != "I" && word[0] >= 'A' && word[0] <= 'Z';
  return initial || std::ranges::find(kAbbreviations, word) != kAbbreviations.end();
}

}  // namespace

HaystackText readHaystack(std::span<const fs::path> paths) {
  if (paths.empty()) failUsage("no haystack: give --haystack a text file or a folder of text files");
  HaystackText haystack{.name = nameFor(paths), .paths = {paths.begin(), paths.end()}};
  for (const fs::path& path : paths) {
    std::error_code code;
    const std::vector<fs::path> files = fs::is_directory(path, code) ? textFilesIn(path) : std::vector{path};
    for (const fs::path& file : files) {
      const std::string text = readFile(file);
      if (std::string notice = utf8Notice(text, file.string()); !notice.empty())
        haystack.notices.push_back(std::move(notice));
      haystack.text += text;
    }
  }
  if (haystack.text.find_first_not_of(" \t\r\n") == std::string::npos)
    fail("{}: the haystack is empty", paths.front().string());
  haystack.sha256 = sha256Hex(haystack.text);
  return haystack;
}

bool endsSentence(std::string_view text, std::size_t at) {
  constexpr std::size_t kFarthest = 1024;  // bytes looked back: bounds the time in long runs of blanks
  std::string_view before = text.substr(at - std::min(at, kFarthest), std::min(at, kFarthest));
  while (!before.empty() && isSpace(before.back())) before.remove_suffix(1);
  const bool spaced = before.size() < std::min(at, kFarthest) || at == text.size() || isSpace(text[at]);
  const std::string_view sentence = withoutClosers(before);
  if (sentence.empty()) return false;
  if (endsInAnotherScript(sentence)) return !startsWithCloser(text.substr(at));
  if (!spaced) return false;
  const char mark = sentence.back();
  return mark == '!' || mark == '?' || (mark == '.' && !isAbbreviation(sentence));
}

Haystack::Haystack(const HaystackText& source, const text::Tokenizer& tokenizer, std::size_t repeated_to) {
  std::string text = source.text;
  text::Encoding encoding = tokenizer.encode(text, false);
  if (encoding.ids.empty()) fail("{}: the haystack has no tokens", source.name);
  while (encoding.ids.size() < repeated_to) {  // doubling, because the tokens at a seam depend on both sides
    text += std::string(text);
    encoding = tokenizer.encode(text, false);
  }
  m_ids = std::move(encoding.ids);
  for (std::size_t i = 0; i < m_ids.size(); ++i)
    m_begins_character.push_back((static_cast<unsigned char>(text[encoding.offsets[i]]) & 0xC0U) != 0x80U);
  m_sentence_ends.push_back(0);
  for (std::size_t i = 1; i <= m_ids.size(); ++i)
    if (i == m_ids.size() || endsSentence(text, encoding.offsets[i]))
      m_sentence_ends.push_back(static_cast<TokenIndex>(i));
}

TokenIndex Haystack::sentenceEndBefore(TokenIndex position, TokenIndex from) const {
  const auto after = std::ranges::upper_bound(m_sentence_ends, position);
  return std::max(*std::prev(after), from);
}

TokenIndex Haystack::placeBefore(TokenIndex position, TokenIndex from, std::size_t context) const {
  constexpr std::size_t kLongSentence = 256;  // tokens
  const TokenIndex end = sentenceEndBefore(position, from);
  const auto next = std::ranges::upper_bound(m_sentence_ends, from);
  const bool has_sentences = next != m_sentence_ends.end() && *next < from + context;
  if (has_sentences && position - end <= std::max(kLongSentence, context / 10)) return end;
  while (position > end && position < m_begins_character.size() && !m_begins_character[position]) --position;
  return position;
}

}  // namespace kvatlas::evaluation
