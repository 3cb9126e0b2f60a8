#include "core/text/added_tokens.h"

#include <algorithm>

#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

std::size_t previousCharacter(std::string_view text, std::size_t at) {
  do --at;
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

}  // namespace

// Unicode's definition of a word character (UTS 18, annex C).
class AddedTokenFinder::WordCharacters {
 public:
  [[nodiscard]] bool contain(std::string_view character) {
    m_matcher.findAll(character, m_matches);
    return !m_matches.empty();
  }

 private:
  static const Regex& pattern() {
    static const Regex pattern(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}])", "word characters");
    return pattern;
  }
  Matcher m_matcher{pattern()};
  std::vector<Matcher::Range> m_matches;
};

AddedTokenFinder::AddedTokenFinder() : m_token_at{-1} {}

void AddedTokenFinder::add(const AddedToken& token) {
  const std::string& pattern = token.pattern();
  if (pattern.empty()) return;
  std::uint64_t node = 0;
  for (const char c : pattern) {
    const std::uint64_t key = node << 8 | static_cast<unsigned char>(c);
    if (const std::uint32_t* child = m_children.find(key)) {
      node = *child;
    } else {
      node = m_token_at.size();
      m_children.insertOrAssign(key, static_cast<std::uint32_t>(node));
      m_token_at.push_back(-1);
    }
  }
  m_token_at[node] = static_cast<std::int64_t>(m_tokens.size());
  m_first_bytes[static_cast<unsigned char>(pattern[0])] = true;
  m_tokens.push_back(token);
}

bool AddedTokenFinder::findNext(std::string_view text, std::size_t from, Found& found) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!m_first_bytes[static_cast<unsigned char>(text[begin])]) continue;
    found.token = nullptr;
    std::uint64_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      const std::uint32_t* child = m_children.find(node << 8 | static_cast<unsigned char>(text[at]));
      if (!child) break;
      node = *child;
      if (m_token_at[node] >= 0) found = {begin, at + 1, &m_tokens[static_cast<std::size_t>(m_token_at[node])]};
    }
    if (found.token) return true;
  }
  return false;
}

bool AddedTokenFinder::standsAlone(std::string_view text, const Found& found, WordCharacters& word_characters) {
  if (found.begin > 0) {
    const std::size_t before = previousCharacter(text, found.begin);
    if (word_characters.contain(text.substr(before, found.begin - before))) return false;
  }
  return found.end == text.size() || !word_characters.contain(text.substr(found.end, utf8Length(text[found.end])));
}

void AddedTokenFinder::cut(const SpannedText& spanned, const Span& span, WordCharacters& word_characters,
                           std::vector<Span>& spans) const {
  const std::string_view text = spanned.view(span);
  std::size_t done = 0;  // up to here the spans are set
  Found found{};
  for (std::size_t from = 0; findNext(text, from, found); from = found.end) {
    if (found.token->single_word && !standsAlone(text, found, word_characters)) continue;
    // Another token's stripping may have reached into this one.
    std::size_t begin = std::max(found.begin, done), end = std::max(found.end, done);
    if (found.token->strip_left) {
      while (begin > done) {
        const std::size_t before = previousCharacter(text, begin);
        if (!isWhitespace(codePointAt(text, before))) break;
        begin = before;
      }
    }
    if (found.token->strip_right) {
      while (end < text.size() && isWhitespace(codePointAt(text, end))) end += utf8Length(text[end]);
    }
    if (done < begin) spans.push_back({span.begin + done, span.begin + begin, std::nullopt});
    spans.push_back({span.begin + begin, span.begin + end, found.token->id});
    done = end;
  }
  if (done < text.size()) spans.push_back({span.begin + done, span.end, std::nullopt});
}

void AddedTokenFinder::apply(SpannedText& spanned) const {
  if (m_tokens.empty()) return;
  WordCharacters word_characters;
  std::vector<Span> spans;
  for (const Span& span : spanned.spans) {
    if (span.token) {
      spans.push_back(span);
    } else {
      cut(spanned, span, word_characters, spans);
    }
  }
  spanned.spans = std::move(spans);
}

}  // namespace kvatlas::text
