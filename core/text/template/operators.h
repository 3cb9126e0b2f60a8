// The arithmetic operators of Python on template values.
#pragma once

#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {

// symbol: + - * / // % **. Failure for types that do not go together, and beyond 64 bits.
[[nodiscard]] Value calculate(std::string_view symbol, const Value& left, const Value& right, Runtime& runtime);
[[nodiscard]] Value negated(const Value& value);

}  // namespace kvatlas::text::jinja
