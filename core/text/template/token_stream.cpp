#include "core/text/template/token_stream.h"

#include <algorithm>

namespace kvatlas::text::jinja {
namespace {

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::Data:
      return "text";
    case TokenKind::OutputBegin:
      return "'{{'";
    case TokenKind::OutputEnd:
      return "'}}'";
    case TokenKind::BlockBegin:
      return "'{%'";
    case TokenKind::BlockEnd:
      return "'%}'";
    case TokenKind::String:
      return "a string";
    case TokenKind::Integer:
    case TokenKind::Float:
      return "a number";
    case TokenKind::End:
      return "the end of the template";
    default:
      return fmt::format("'{}'", token.text.substr(0, 40));
  }
}

}  // namespace

Token TokenStream::take() {
  Token token = m_tokens[m_at];
  if (m_at + 1 < m_tokens.size()) ++m_at;
  return token;
}

bool TokenStream::atAnyName(std::initializer_list<std::string_view> words) const {
  return std::ranges::any_of(words, [this](std::string_view word) { return atName(word); });
}

bool TokenStream::skipOperator(std::string_view symbol) {
  if (!atOperator(symbol)) return false;
  take();
  return true;
}

bool TokenStream::skipName(std::string_view word) {
  if (!atName(word)) return false;
  take();
  return true;
}

void TokenStream::expectOperator(std::string_view symbol) {
  if (!skipOperator(symbol)) failUnexpected(fmt::format("'{}'", symbol));
}

void TokenStream::expectName(std::string_view word) {
  if (!skipName(word)) failUnexpected(fmt::format("'{}'", word));
}

void TokenStream::expect(TokenKind kind) {
  if (!at(kind)) failUnexpected(describe(Token{.kind = kind, .line = 0, .text = {}, .number = {}}));
  take();
}

std::string TokenStream::takeName() {
  if (!at(TokenKind::Name)) failUnexpected("a name");
  return take().text;
}

void TokenStream::failUnexpected(std::string_view expected) const {
  fail(fmt::format("{} is expected, not {}", expected, describe(current())));
}

void TokenStream::failTooDeep() const {
  fail(fmt::format("expressions or blocks lie more than {} deep in each other", m_limit));
}

}  // namespace kvatlas::text::jinja
