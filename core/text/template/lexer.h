// A chat template's text as tokens, with the whitespace control of Jinja2 under trim_blocks and lstrip_blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/text/template/value.h"

namespace kvatlas::text::jinja {

enum class TokenKind {
  Data,
  OutputBegin,
  OutputEnd,
  BlockBegin,
  BlockEnd,
  Name,
  String,
  Integer,
  Float,
  Operator,
  End
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::uint32_t line = 1;
  std::string text;  // of Data, Name, Operator; the value of String
  Value number;      // of Integer, Float
};

// A place in a template at which it breaks the rules of the language.
class SyntaxError : public std::exception {
 public:
  SyntaxError(std::uint32_t line, std::string message) : m_line(line), m_message(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return m_message.c_str(); }
  [[nodiscard]] std::uint32_t line() const { return m_line; }

 private:
  std::uint32_t m_line;
  std::string m_message;
};

// Ends with an End token. Throws SyntaxError.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

// The text without \r\n and \r: every line ends with \n.
[[nodiscard]] std::string normalizeNewlines(std::string_view text);

}  // namespace kvatlas::text::jinja
