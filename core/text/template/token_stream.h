// The tokens of a template one after the other, with the checks that every part of the parser makes.
#pragma once

#include <fmt/format.h>

#include <initializer_list>

#include "core/text/template/lexer.h"
#include "core/text/template/limits.h"

namespace kvatlas::text::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, const Limits& limits)
      : m_tokens(std::move(tokens)), m_limit(limits.syntax_depth) {}

  [[nodiscard]] const Token& current() const { return m_tokens[m_at]; }
  [[nodiscard]] const Token& following() const { return m_tokens[std::min(m_at + 1, m_tokens.size() - 1)]; }
  Token take();

  [[nodiscard]] bool at(TokenKind kind) const { return current().kind == kind; }
  [[nodiscard]] bool atOperator(std::string_view symbol) const {
    return at(TokenKind::Operator) && current().text == symbol;
  }
  [[nodiscard]] bool atName(std::string_view word) const { return at(TokenKind::Name) && current().text == word; }
  [[nodiscard]] bool atAnyName(std::initializer_list<std::string_view> words) const;
  bool skipOperator(std::string_view symbol);
  bool skipName(std::string_view word);
  void expectOperator(std::string_view symbol);
  void expectName(std::string_view word);
  void expect(TokenKind kind);
  [[nodiscard]] std::string takeName();

  [[noreturn]] void fail(std::string message) const { throw SyntaxError(current().line, std::move(message)); }
  [[noreturn]] void failUnexpected(std::string_view expected) const;

  // How deep the parser stands in expressions and blocks; SyntaxError beyond the limit.
  class Level {
   public:
    explicit Level(TokenStream& stream) : m_stream(stream) {
      if (++stream.m_depth > stream.m_limit) stream.failTooDeep();
    }
    ~Level() { --m_stream.m_depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    TokenStream& m_stream;
  };
  [[noreturn]] void failTooDeep() const;
  [[nodiscard]] unsigned depthLimit() const { return m_limit; }

 private:
  std::vector<Token> m_tokens;
  std::size_t m_at = 0;
  unsigned m_depth = 0, m_limit;
};

}  // namespace kvatlas::text::jinja
