#include "core/text/template/literals.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/base/utf8.h"
#include "core/text/template/letters.h"

namespace kvatlas::text::jinja {
namespace {

constexpr bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

int digitValue(char c) {
  if (isDigit(c)) return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return (c | 0x20) - 'a' + 10;
  return 99;
}

// Digits of the base, single underscores between them.
std::size_t digitsLength(std::string_view text, int base) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (digitValue(text[at]) < base) {
      ++at;
    } else if (text[at] == '_' && at > 0 && at + 1 < text.size() && digitValue(text[at + 1]) < base) {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

std::string withoutUnderscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

std::int64_t integerOf(const std::string& digits, int base) {
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec != std::errc())
    throw Failure("integers beyond 64 bits are not supported");
  return value;
}

double floatOf(const std::string& digits) {
  double value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc::result_out_of_range)
    value = std::strtod(digits.c_str(), nullptr);  // 0 or infinity, as Python has it
  return value;
}

// The length of the float that begins here; 0: an integer or less.
std::size_t floatLength(std::string_view text) {
  std::size_t at = digitsLength(text, 10);
  bool is_float = false;
  if (at < text.size() && text[at] == '.' && at + 1 < text.size() && isDigit(text[at + 1])) {
    at += 1 + digitsLength(text.substr(at + 1), 10);
    is_float = true;
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    std::size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    const std::size_t digits = exponent < text.size() ? digitsLength(text.substr(exponent), 10) : 0;
    if (digits > 0) return exponent + digits;
  }
  return is_float ? at : 0;
}

int baseOf(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return 10;
  const char letter = static_cast<char>(text[1] | 0x20);
  return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
}

// A code point of `digits` hexadecimal digits; empty: they are not there.
std::optional<std::uint32_t> hexadecimal(std::string_view text, std::size_t digits) {
  std::uint32_t value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, 16);
  if (error != std::errc() || end != text.data() + digits) return std::nullopt;
  return value;
}

char plainEscape(char letter) {
  static constexpr std::string_view kLetters = "\\'\"abfnrtv", kMeaning = "\\'\"\a\b\f\n\r\t\v";
  const auto at = kLetters.find(letter);
  return at == kLetters.npos ? '\0' : kMeaning[at];
}

// The escape behind a backslash: appends its meaning, returns its length, 0 with a problem.
std::size_t readEscape(std::string_view text, std::string& value, std::string& problem) {
  const char letter = text[0];
  if (letter == '\n') return 1;
  if (const char plain = plainEscape(letter)) return value += plain, 1;
  if (letter >= '0' && letter <= '7') {
    std::size_t length = 1;
    while (length < 3 && length < text.size() && text[length] >= '0' && text[length] <= '7') ++length;
    std::uint32_t code = 0;
    std::from_chars(text.data(), text.data() + length, code, 8);
    appendUtf8(value, code);
    return length;
  }
  const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (letter == 'N') problem = "characters by their name, \\N{…}, are not supported";
  if (digits == 0) {
    value += '\\';  // no escape: both characters stay
    return letter == 'N' ? 0 : (value += letter, 1);
  }
  const auto code = hexadecimal(text.substr(1), digits);
  if (!code || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) {
    problem = fmt::format("the escape '\\{}' names no character", text.substr(0, 1 + digits));
    return 0;
  }
  appendUtf8(value, *code);
  return 1 + digits;
}

}  // namespace

NumberLiteral readNumberLiteral(std::string_view text, bool float_allowed) {
  NumberLiteral literal;
  try {
    if (const std::size_t length = float_allowed ? floatLength(text) : 0) {
      literal.value = floatOf(withoutUnderscores(text.substr(0, length)));
      literal.length = length;
      return literal;
    }
    if (const int base = baseOf(text); base != 10) {
      const std::size_t digits = digitsLength(text.substr(2), base);
      if (digits > 0) {
        literal.value = integerOf(withoutUnderscores(text.substr(2, digits)), base);
        literal.length = 2 + digits;
        return literal;
      }
    }
    const std::size_t length = text[0] == '0' ? digitsLength(text, 1) : digitsLength(text, 10);
    literal.value = integerOf(withoutUnderscores(text.substr(0, length)), 10);
    literal.length = length;
  } catch (const Failure& failure) {
    literal.length = 0;
    literal.problem = failure.what();
  }
  return literal;
}

std::string unescape(std::string_view inside, std::string& value) {
  std::string problem;
  for (std::size_t at = 0; at < inside.size();) {
    if (inside[at] != '\\' || at + 1 == inside.size()) {
      value += inside[at++];
      continue;
    }
    const std::size_t length = readEscape(inside.substr(at + 1), value, problem);
    if (length == 0) return problem;
    at += 1 + length;
  }
  return {};
}

std::optional<std::int64_t> parseInteger(std::string_view text, int base) {
  text = stripLeft(stripRight(text));
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (base == 0 || (base == baseOf(text) && base != 10)) {
    const int written = baseOf(text);
    if (base == 0 && written == 10 && text.size() > 1 && text[0] == '0' && digitsLength(text, 1) != text.size())
      return std::nullopt;  // int("012", 0)
    base = written;
    if (base != 10) {
      text.remove_prefix(2);
      if (!text.empty() && text[0] == '_') text.remove_prefix(1);
    }
  }
  if (text.empty() || digitsLength(text, base) != text.size()) return std::nullopt;
  const std::string digits = withoutUnderscores(text);
  return integerOf(negative ? fmt::format("-{}", digits) : digits, base);
}

std::optional<double> parseFloat(std::string_view text) {
  text = stripLeft(stripRight(text));
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const std::string word = lower(text);
  double value = 0;
  if (word == "inf" || word == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (word == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    // Python takes ".5" and "5." too, which no literal of the template language is.
    std::string number(text);
    if (!number.empty() && number[0] == '.') number.insert(number.begin(), '0');
    if (const auto dot = number.find('.');
        dot != number.npos && (dot + 1 == number.size() || !isDigit(number[dot + 1])))
      number.insert(number.begin() + static_cast<std::ptrdiff_t>(dot) + 1, '0');
    if (number.empty() || number.size() > 400 || text == ".") return std::nullopt;
    const std::size_t length = std::max(floatLength(number), digitsLength(number, 10));
    if (length != number.size()) return std::nullopt;
    value = floatOf(withoutUnderscores(number));
  }
  return negative ? -value : value;
}

}  // namespace kvatlas::text::jinja
