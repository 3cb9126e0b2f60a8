// The values of a chat template as Python and Jinja2 see them; knows no syntax.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace kvatlas::text::jinja {

// What goes wrong while a template is rendered, without its place: the interpreter adds name and line.
class Failure : public std::exception {
 public:
  explicit Failure(std::string message, bool refused = false) : m_message(std::move(message)), m_refused(refused) {}
  [[nodiscard]] const char* what() const noexcept override { return m_message.c_str(); }
  [[nodiscard]] bool refused() const { return m_refused; }  // the template itself called raise_exception

 private:
  std::string m_message;
  bool m_refused;
};

struct Undefined {
  std::shared_ptr<const std::string> reason;  // "'x' is undefined"
};
struct None {};
// A function that every template sees: range, namespace, …
struct GlobalFunction {
  std::string_view name;
};

struct Sequence;
struct Dict;
struct Method;
struct Namespace;
struct Loop;
struct Macro;

using Text = std::shared_ptr<const std::string>;
using SequencePointer = std::shared_ptr<const Sequence>;
using DictPointer = std::shared_ptr<const Dict>;
using MethodPointer = std::shared_ptr<const Method>;

// Cheap to copy. Namespaces, loops and macros belong to the interpreter, which outlives every value.
class Value {
 public:
  using Variant = std::variant<Undefined, None, bool, std::int64_t, double, Text, SequencePointer, DictPointer,
                               MethodPointer, GlobalFunction, Namespace*, Loop*, const Macro*>;

  Value() = default;
  template <class Held>
  requires std::is_constructible_v<Variant, Held> Value(Held held)
      : m_held(std::move(held)) {}  // NOLINT(google-explicit-constructor): a value is what it holds
  [[nodiscard]] static Value text(std::string text) {
    return Text(std::make_shared<const std::string>(std::move(text)));
  }
  [[nodiscard]] static Value undefined(std::string reason) {
    return Undefined{std::make_shared<const std::string>(std::move(reason))};
  }

  template <class Held>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<Held>(m_held);
  }
  // The caller has asked is<Held>() before.
  template <class Held>
  [[nodiscard]] const Held& as() const {
    return std::get<Held>(m_held);
  }
  // nullptr for another type.
  [[nodiscard]] const std::string* asText() const;
  [[nodiscard]] const Sequence* asSequence() const;
  [[nodiscard]] const Dict* asDict() const;
  [[nodiscard]] bool isInteger() const { return is<std::int64_t>() || is<bool>(); }  // True is 1, as in Python
  [[nodiscard]] bool isNumber() const { return isInteger() || is<double>(); }
  [[nodiscard]] std::int64_t integer() const;  // of isInteger()
  [[nodiscard]] double number() const;         // of isNumber()

 private:
  Variant m_held;
};

// List: [], Tuple: (), Range: range(), View: d.items(), Generator: what map() and its like give, read once.
enum class SequenceKind { List, Tuple, Range, View, Generator };

struct Sequence {
  SequenceKind kind = SequenceKind::List;
  std::vector<Value> items;
  unsigned depth = 1;
  mutable std::size_t read = 0;  // items a generator has given away
};

// Members in the order of insertion; keys are None, numbers and strings, of which 1, 1.0 and True are one key.
struct Dict {
  std::vector<std::pair<Value, Value>> members;
  std::unordered_map<std::string, std::size_t> index;  // by keyOf()
  unsigned depth = 1;

  [[nodiscard]] const Value* find(const Value& key) const;  // nullptr: no such key
  [[nodiscard]] const Value* find(std::string_view key) const;
  void set(const Value& key, const Value& value);  // Failure for a key that cannot be hashed, or beyond kMaxDepth
};

struct Method {
  Value self;
  std::string name;
};

struct Namespace {
  std::unordered_map<std::string, Value> members;
};

inline constexpr unsigned kMaxDepth = 100;  // of lists in lists

// Failure beyond kMaxDepth.
[[nodiscard]] Value makeSequence(SequenceKind kind, std::vector<Value> items);
[[nodiscard]] Value makeDict(Dict dict);
[[nodiscard]] unsigned depthOf(const Value& value);

[[nodiscard]] std::string_view typeName(const Value& value);  // as Python names it: "str", "NoneType"
[[nodiscard]] bool isTrue(const Value& value);
// Failure with the reason, for an undefined value.
void requireDefined(const Value& value);

}  // namespace kvatlas::text::jinja
