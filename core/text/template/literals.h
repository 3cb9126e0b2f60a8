// Numbers and strings as they are written in a template, and numbers in strings as Python's int() and float() read
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/text/template/value.h"

namespace kvatlas::text::jinja {

struct NumberLiteral {
  Value value;
  std::size_t length = 0;  // bytes; 0: `problem` says why
  std::string problem;
};
// text begins with a digit.
[[nodiscard]] NumberLiteral readNumberLiteral(std::string_view text, bool float_allowed);

// What the inside of a quoted string means; the returned sentence is empty when it means something.
[[nodiscard]] std::string unescape(std::string_view inside, std::string& value);

// Empty where Python raises ValueError. Failure for an integer beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> parseInteger(std::string_view text, int base = 10);
[[nodiscard]] std::optional<double> parseFloat(std::string_view text);

}  // namespace kvatlas::text::jinja
