// What a template sees as `loop`, and how the items of a loop come one after the other.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {

// Items come one by one, so that the condition of `for … if …` sees what earlier turns have set, as in Jinja2; only
// last, nextitem, length and revindex look ahead.
struct Loop {
  std::vector<Value> items;
  std::size_t next = 0;                         // the first item that was not looked at
  std::function<bool(const Value&)> condition;  // of the `for` tag; empty: all items
  std::deque<Value> ahead;                      // looked at, not yet given
  std::optional<Value> current, previous;
  std::int64_t index0 = -1;

  // Moves on; false: there are no more.
  bool advance();
  // loop.name; Failure for what is not supported.
  [[nodiscard]] Value attribute(std::string_view name);

 private:
  bool lookAhead();
  [[nodiscard]] std::int64_t length();
};

}  // namespace kvatlas::text::jinja
