#include "core/text/template/loop.h"

#include <fmt/format.h>

#include <utility>

namespace kvatlas::text::jinja {

bool Loop::lookAhead() {
  while (next < items.size()) {
    const Value& item = items[next++];
    if (condition && !condition(item)) continue;
    ahead.push_back(item);
    return true;
  }
  return false;
}

bool Loop::advance() {
  if (ahead.empty() && !lookAhead()) return false;
  previous = std::exchange(current, std::move(ahead.front()));
  ahead.pop_front();
  ++index0;
  return true;
}

std::int64_t Loop::length() {
  if (condition)
    while (lookAhead()) continue;
  return index0 + 1 + static_cast<std::int64_t>(ahead.size()) + static_cast<std::int64_t>(items.size() - next);
}

Value Loop::attribute(std::string_view name) {
  const auto another = [this] { return !ahead.empty() || lookAhead(); };
  if (name == "index") return index0 + 1;
  if (name == "index0") return index0;
  if (name == "first") return index0 == 0;
  if (name == "last") return !another();
  if (name == "length") return length();
  if (name == "revindex") return length() - index0;
  if (name == "revindex0") return length() - index0 - 1;
  if (name == "previtem") return index0 > 0 ? *previous : Value::undefined("there is no previous item");
  if (name == "nextitem") return another() ? ahead.front() : Value::undefined("there is no next item");
  if (name == "depth") return std::int64_t{1};
  if (name == "depth0") return std::int64_t{0};
  throw Failure(fmt::format("'loop.{}' is not supported", name));
}

}  // namespace kvatlas::text::jinja
