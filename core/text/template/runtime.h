// What filters, tests, methods and functions need of a rendering; knows no syntax.
#pragma once

#include <functional>
#include <optional>

#include "core/text/template/date.h"
#include "core/text/template/limits.h"

namespace kvatlas::text::jinja {

// Keyword arguments follow the positional ones.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

struct Runtime {
  Work work;
  DateTime now;
  // A namespace lives as long as the rendering.
  std::function<Namespace*()> makeNamespace;
};

// The arguments in the order of `names`; those from `required` on may be missing. Failure names what was called.
class Bound {
 public:
  Bound(std::string_view called, const Arguments& arguments, std::initializer_list<std::string_view> names,
        std::size_t required = 0);
  [[nodiscard]] const Value* at(std::size_t index) const { return m_values[index]; }  // nullptr: not given
  [[nodiscard]] bool given(std::size_t index) const { return m_values[index] != nullptr; }
  [[nodiscard]] std::int64_t integer(std::size_t index, std::int64_t otherwise) const;
  [[nodiscard]] bool truth(std::size_t index, bool otherwise) const;
  // Failure for another type.
  [[nodiscard]] const std::string& text(std::size_t index, const std::string& otherwise) const;

 private:
  std::string m_called;
  std::vector<const Value*> m_values;
  std::vector<std::string_view> m_names;
};

// Failure for what cannot be iterated, or too many items; a generator gives its items once.
[[nodiscard]] std::vector<Value> itemsOf(const Value& value, Runtime& runtime);

// value|name(arguments). Failure for a filter that is not known.
[[nodiscard]] Value applyFilter(std::string_view name, const Value& value, const Arguments& arguments,
                                Runtime& runtime);
// value is name(arguments). Failure for a test that is not known.
[[nodiscard]] bool applyTest(std::string_view name, const Value& value, const Arguments& arguments, Runtime& runtime);
[[nodiscard]] Value callMethod(const Method& method, const Arguments& arguments, Runtime& runtime);
[[nodiscard]] Value callGlobal(std::string_view name, const Arguments& arguments, Runtime& runtime);
// Empty for another name. Failure for a function of Jinja2 that is not supported.
[[nodiscard]] std::optional<Value> findGlobal(std::string_view name);

// value.name and value[key]; undefined where Jinja2 finds nothing.
[[nodiscard]] Value attributeOf(const Value& value, std::string_view name, Runtime& runtime);
[[nodiscard]] Value itemOf(const Value& value, const Value& key, Runtime& runtime);
// value[from:to:step]; None where a bound is left out.
[[nodiscard]] Value sliceOf(const Value& value, const std::vector<Value>& slice, Runtime& runtime);
// Does the type of self have that method? Failure for one of Python's that is not supported.
[[nodiscard]] bool hasMethod(const Value& self, std::string_view name);
[[nodiscard]] bool contains(const Value& container, const Value& item, Runtime& runtime);

[[nodiscard]] Value callTextMethod(const std::string& self, std::string_view name, const Arguments& arguments,
                                   Runtime& runtime);
[[nodiscard]] bool isTextMethod(std::string_view name);

}  // namespace kvatlas::text::jinja
