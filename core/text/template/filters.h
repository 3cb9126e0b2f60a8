// What a filter is given.
#pragma once

#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {

struct Filtered {
  std::string_view name;
  const Value& value;  // to the left of |
  const Arguments& arguments;
  Runtime& runtime;

  [[nodiscard]] std::string called() const;  // "the filter 'trim'"
};

// length, first, map, selectattr and the like. Empty for another filter.
[[nodiscard]] std::optional<Value> applySequenceFilter(const Filtered& call);

}  // namespace kvatlas::text::jinja
