#include "views/models/number_text.h"

#include <fmt/format.h>

#include <cstdlib>

namespace kvatlas::views {
namespace {

std::string superscript(int power) {
  static const char* const kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = power < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(power))) text += kDigits[digit - '0'];
  return text;
}

}  // namespace

std::string powerOfTen(int power) {
  if (power == 0) return "1";
  if (power == 1) return "10";
  return "10" + superscript(power);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string plainNumber(double value) {
  return fmt::format("{}", value);
}

}  // namespace kvatlas::views
