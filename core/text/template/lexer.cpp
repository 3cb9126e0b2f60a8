#include "core/text/template/lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/utf8.h"
#include "core/text/template/letters.h"
#include "core/text/template/literals.h"

namespace kvatlas::text::jinja {
namespace {

constexpr bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool isNameStart(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : m_source(source) {}

  std::vector<Token> run() {
    while (m_at < m_source.size()) readRoot();
    add(TokenKind::End);
    return std::move(m_tokens);
  }

 private:
  // Text up to the next tag, and the tag.
  void readRoot() {
    const std::size_t tag = nextTag();
    if (tag == m_source.npos) {
      addData(m_source.substr(m_at));
      m_at = m_source.size();
      return;
    }
    const char kind = m_source[tag + 1];
    std::size_t after = tag + 2;
    const char sign =
        after < m_source.size() && (m_source[after] == '-' || m_source[after] == '+') ? m_source[after] : 0;
    if (sign) ++after;
    addDataBefore(tag, sign, kind != '{');
    m_at = after;
    if (kind == '#') return skipComment();
    if (kind == '{') return readTag(TokenKind::OutputBegin, TokenKind::OutputEnd, "}}");
    if (const std::size_t raw = endOfWord(after, "raw"); raw != m_source.npos && readRaw(raw)) return;
    m_at = after;
    readTag(TokenKind::BlockBegin, TokenKind::BlockEnd, "%}");
  }

  std::size_t nextTag() const {
    for (std::size_t at = m_at; (at = m_source.find('{', at)) != m_source.npos; ++at) {
      const char next = at + 1 < m_source.size() ? m_source[at + 1] : 0;
      if (next == '%' || next == '{' || next == '#') return at;
    }
    return m_source.npos;
  }

  // The text before a tag: "-" strips it, lstrip_blocks takes the blanks between the line's start and a block or
  // comment.
  void addDataBefore(std::size_t tag, char sign, bool is_block) {
    const std::string_view all = m_source.substr(m_at, tag - m_at);
    std::string_view kept = all;
    if (sign == '-') {
      kept = stripRight(all);
    } else if (sign != '+' && is_block) {
      const std::size_t line = all.rfind('\n') + 1;  // npos + 1 is 0
      if ((line > 0 || m_line_starting) && stripLeft(all.substr(line)).empty()) kept = all.substr(0, line);
    }
    addData(kept);
    countLines(all.substr(kept.size()));
  }

  // Where "  word" ends; npos when it is not there.
  std::size_t endOfWord(std::size_t at, std::string_view word) const {
    at = m_source.size() - stripLeft(m_source.substr(at)).size();
    return m_source.substr(at, word.size()) == word ? at + word.size() : m_source.npos;
  }

  // "%}" or "-%}" (also "+%}" where `plus`), with what it takes of the text behind it. False: not here.
  bool readEnd(std::string_view end, bool plus, bool trims_newline) {
    std::size_t at = m_at;
    const char sign = at < m_source.size() ? m_source[at] : 0;
    const bool strips = sign == '-', keeps = plus && sign == '+';
    if (strips || keeps) ++at;
    if (m_source.substr(at, end.size()) != end) return false;
    at += end.size();
    if (strips)
      at = m_source.size() - stripLeft(m_source.substr(at)).size();
    else if (!keeps && trims_newline && at < m_source.size() && m_source[at] == '\n')
      ++at;
    m_pending_lines = static_cast<std::uint32_t>(std::ranges::count(m_source.substr(m_at, at - m_at), '\n'));
    m_line_starting = m_source[at - 1] == '\n';
    m_at = at;
    return true;
  }
  void countPendingLines() { m_line += std::exchange(m_pending_lines, 0); }

  void skipComment() {
    const std::size_t begin = m_at;
    std::size_t close = m_source.find("#}", m_at);
    if (close == m_source.npos) throw SyntaxError(m_line, "the comment has no end: '#}' is missing");
    const bool signed_end = close > begin && (m_source[close - 1] == '-' || m_source[close - 1] == '+');
    m_at = close - (signed_end ? 1 : 0);
    countLines(m_source.substr(begin, m_at - begin));
    readEnd("#}", true, true);
    countPendingLines();
  }

  // From behind the word "raw" to the end of {% endraw %}. False: it is no raw tag after all.
  bool readRaw(std::size_t at) {
    m_at = m_source.size() - stripLeft(m_source.substr(at)).size();
    if (!readEnd("%}", false, false)) return false;
    countPendingLines();
    for (std::size_t tag = m_at; (tag = m_source.find("{%", tag)) != m_source.npos; ++tag) {
      std::size_t word = tag + 2;
      const char sign = word < m_source.size() && (m_source[word] == '-' || m_source[word] == '+') ? m_source[word] : 0;
      const std::size_t end = endOfWord(word + (sign ? 1 : 0), "endraw");
      if (end == m_source.npos) continue;
      const std::size_t begin = m_at;
      m_at = m_source.size() - stripLeft(m_source.substr(end)).size();
      if (readRawEnd(begin, tag, sign)) return true;
      m_at = begin;
    }
    throw SyntaxError(m_line, "the raw block has no end: '{% endraw %}' is missing");
  }
  bool readRawEnd(std::size_t begin, std::size_t tag, char sign) {
    const bool was_starting = m_line_starting;
    if (!readEnd("%}", true, true)) return false;
    const std::size_t end = m_at;
    const bool now_starting = std::exchange(m_line_starting, was_starting);
    m_at = begin;
    addDataBefore(tag, sign, true);
    m_line_starting = now_starting;
    countPendingLines();
    m_at = end;
    return true;
  }

  void readTag(TokenKind begin, TokenKind end, std::string_view mark) {
    add(begin);
    std::string open;  // brackets that wait for their partner
    while (true) {
      skipBlanks();
      if (m_at >= m_source.size())
        throw SyntaxError(m_line, fmt::format("the template ends inside a tag: '{}' is missing", mark));
      if (open.empty() && readEnd(mark, end == TokenKind::BlockEnd, end == TokenKind::BlockEnd)) break;
      readToken(open);
    }
    add(end);
    countPendingLines();
  }

  void skipBlanks() {
    const std::size_t next = m_source.size() - stripLeft(m_source.substr(m_at)).size();
    countLines(m_source.substr(m_at, next - m_at));
    m_at = next;
  }

  void readToken(std::string& open) {
    const char c = m_source[m_at];
    if (isDigit(c)) return readNumber();
    if (isNameStart(c)) return readName();
    if (c == '\'' || c == '"') return readText(c);
    readOperator(open);
  }

  void readName() {
    const std::size_t begin = m_at;
    while (m_at < m_source.size() && (isNameStart(m_source[m_at]) || isDigit(m_source[m_at]))) ++m_at;
    if (m_at < m_source.size() && isLetter(readUtf8(m_source.substr(m_at)).code_point))
      throw SyntaxError(m_line, "names of letters beyond ASCII are not supported");
    add(TokenKind::Name).text = m_source.substr(begin, m_at - begin);
  }

  void readNumber() {
    const bool after_dot = m_at > 0 && m_source[m_at - 1] == '.';
    const NumberLiteral literal = readNumberLiteral(m_source.substr(m_at), !after_dot);
    if (literal.length == 0) throw SyntaxError(m_line, literal.problem);
    add(literal.value.is<double>() ? TokenKind::Float : TokenKind::Integer).number = literal.value;
    m_at += literal.length;
  }

  void readText(char quote) {
    std::size_t end = m_at + 1;
    while (end < m_source.size() && m_source[end] != quote) end += m_source[end] == '\\' ? 2 : 1;
    if (end >= m_source.size())
      throw SyntaxError(m_line, fmt::format("the string that begins with {} has no end", quote));
    const std::string_view inside = m_source.substr(m_at + 1, end - m_at - 1);
    std::string value;
    if (const std::string problem = unescape(inside, value); !problem.empty()) throw SyntaxError(m_line, problem);
    add(TokenKind::String).text = std::move(value);
    countLines(inside);
    m_at = end + 1;
  }

  void readOperator(std::string& open) {
    static constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
    const std::string_view two = m_source.substr(m_at, 2);
    const char c = m_source[m_at];
    if (std::ranges::find(kTwo, two) != std::end(kTwo)) {
      add(TokenKind::Operator).text = std::string(two);
      m_at += 2;
      return;
    }
    if (kOne.find(c) == kOne.npos)
      throw SyntaxError(m_line, fmt::format("the character '{}' is not expected here",
                                            m_source.substr(m_at, readUtf8(m_source.substr(m_at)).length)));
    balance(c, open);
    add(TokenKind::Operator).text.assign(1, c);
    ++m_at;
  }

  void balance(char c, std::string& open) const {
    static constexpr std::string_view kOpening = "([{", kClosing = ")]}";
    if (const auto at = kOpening.find(c); at != kOpening.npos) {
      open += kClosing[at];
    } else if (kClosing.find(c) != kClosing.npos) {
      if (open.empty() || open.back() != c)
        throw SyntaxError(m_line, open.empty() ? fmt::format("'{}' closes nothing", c)
                                               : fmt::format("'{}' stands where '{}' is expected", c, open.back()));
      open.pop_back();
    }
  }

  Token& add(TokenKind kind) {
    return m_tokens.emplace_back(Token{.kind = kind, .line = m_line, .text = {}, .number = {}});
  }
  void addData(std::string_view text) {
    if (!text.empty()) add(TokenKind::Data).text = text;
    countLines(text);
  }
  void countLines(std::string_view text) { m_line += static_cast<std::uint32_t>(std::ranges::count(text, '\n')); }

  std::string_view m_source;
  std::size_t m_at = 0;
  std::uint32_t m_line = 1, m_pending_lines = 0;
  bool m_line_starting = true;
  std::vector<Token> m_tokens;
};

}  // namespace

std::string normalizeNewlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return out;
}

std::vector<Token> tokenize(std::string_view source) {
  std::string text = normalizeNewlines(source);
  if (!text.empty() && text.back() == '\n') text.pop_back();  // keep_trailing_newline is off
  return Lexer(text).run();
}

}  // namespace kvatlas::text::jinja
