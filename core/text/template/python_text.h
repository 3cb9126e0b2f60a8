// Template values as text: str() and repr() of Python, json.dumps().
#pragma once

#include <optional>

#include "core/text/template/limits.h"

namespace kvatlas::text::jinja {

// What `{{ value }}` prints: nothing for an undefined value. Failure for what has no such text here (functions, loops).
[[nodiscard]] std::string toText(const Value& value, Work& work);
[[nodiscard]] std::string representation(const Value& value, Work& work);
[[nodiscard]] std::string floatText(double number);  // "1.0", "1e+16", "nan"

struct JsonStyle {
  bool ascii = false, sorted = false;
  std::optional<std::string> indent;  // of one level; none: all on one line
  std::string item_separator = ", ", key_separator = ": ";
};
[[nodiscard]] std::string toJson(const Value& value, const JsonStyle& style, Work& work);

}  // namespace kvatlas::text::jinja
