// Which template values are equal and which is less, as Python says it.
#pragma once

#include "core/text/template/limits.h"

namespace kvatlas::text::jinja {

[[nodiscard]] bool equal(const Value& left, const Value& right, Work& work);
// left < right; Failure for types that have no order, naming the operator.
[[nodiscard]] bool less(const Value& left, const Value& right, Work& work, std::string_view symbol = "<");

}  // namespace kvatlas::text::jinja
