// Attributes, items and methods of values as the immutable sandbox of Jinja2 gives them.
#include <fmt/format.h>

#include <string.h>
#include <algorithm>
#include <array>

#include "core/text/template/compare.h"
#include "core/text/template/letters.h"
#include "core/text/template/loop.h"
#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {
namespace {

using Names = std::initializer_list<std::string_view>;

bool isOneOf(std::string_view name, Names names) {
  return std::ranges::find(names, name) != names.end();
}

// Methods that would change a value; the sandbox forbids them.
bool changesList(std::string_view name) {
  return isOneOf(name, {"append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear"});
}
bool changesDict(std::string_view name) {
  return isOneOf(name, {"update", "pop", "popitem", "setdefault", "clear"});
}

Value missing(const Value& value, std::string_view name) {
  return Value::undefined(fmt::format("a value of type {} has no member '{}'", typeName(value), name));
}

// What a slice or index means for `size` items, as Python's slice.indices().
struct Span {
  std::int64_t begin, end, step;
};

std::int64_t clamped(const Value& bound, std::int64_t size, std::int64_t low, std::int64_t high) {
  std::int64_t at = bound.integer();
  if (at < 0) at = at < -size ? -1 : at + size;
  return std::clamp(at, low, high);
}

Span spanOf(const std::vector<Value>& slice, std::int64_t size) {
  for (const Value& bound : slice) {
    requireDefined(bound);
    if (!bound.isInteger() && !bound.is<None>())
      throw Failure(fmt::format("the bounds of a slice are integers, not a {}", typeName(bound)));
  }
  Span span{0, size, slice[2].is<None>() ? 1 : slice[2].integer()};
  if (span.step == 0) throw Failure("the step of a slice cannot be 0");
  const std::int64_t low = span.step > 0 ? 0 : -1, high = span.step > 0 ? size : size - 1;
  if (span.step < 0) span = {size - 1, -1, span.step};
  if (!slice[0].is<None>()) span.begin = clamped(slice[0], size, low, high);
  if (!slice[1].is<None>()) span.end = clamped(slice[1], size, low, high);
  return span;
}

// The indices of a span, one after the other.
std::vector<std::size_t> indicesOf(const Span& span, std::int64_t size) {
  std::vector<std::size_t> indices;
  const std::int64_t step = std::clamp(span.step, -size - 1, size + 1);
  for (std::int64_t at = span.begin; step > 0 ? at < span.end : at > span.end; at += step)
    indices.push_back(static_cast<std::size_t>(at));
  return indices;
}

Value slicedText(const std::string& text, const std::vector<Value>& slice, Runtime& runtime) {
  runtime.work.charge(text.size() * 16);
  const std::vector<std::string_view> all = characters(text);
  const auto size = static_cast<std::int64_t>(all.size());
  const Span span = spanOf(slice, size);
  std::string out;
  for (const std::size_t at : indicesOf(span, size)) out += all[at];
  return runtime.work.text(std::move(out));
}

Value sliced(const Value& value, const std::vector<Value>& slice, Runtime& runtime) {
  if (const std::string* text = value.asText()) return slicedText(*text, slice, runtime);
  const Sequence* sequence = value.asSequence();
  if (!sequence || sequence->kind == SequenceKind::View || sequence->kind == SequenceKind::Generator)
    throw Failure(fmt::format("a value of type {} cannot be sliced", typeName(value)));
  const auto size = static_cast<std::int64_t>(sequence->items.size());
  const Span span = spanOf(slice, size);
  std::vector<Value> items;
  for (const std::size_t at : indicesOf(span, size)) items.push_back(sequence->items[at]);
  return runtime.work.sequence(sequence->kind, std::move(items));
}

std::optional<Value> indexed(const Value& value, std::int64_t index, Runtime& runtime) {
  const Sequence* sequence = value.asSequence();
  const std::string* text = value.asText();
  if (text) {
    runtime.work.charge(text->size());
    const auto size = static_cast<std::int64_t>(characterCount(*text));
    const std::int64_t wanted = index < 0 ? index + size : index;
    if (wanted < 0 || wanted >= size) return std::nullopt;
    return runtime.work.text(std::string(characters(*text)[static_cast<std::size_t>(wanted)]));
  }
  if (!sequence || sequence->kind == SequenceKind::View || sequence->kind == SequenceKind::Generator)
    return std::nullopt;
  const auto size = static_cast<std::int64_t>(sequence->items.size());
  const std::int64_t wanted = index < 0 ? index + size : index;
  if (wanted < 0 || wanted >= size) return std::nullopt;
  return sequence->items[static_cast<std::size_t>(wanted)];
}

Value dictView(const Dict& dict, std::string_view which, Runtime& runtime) {
  std::vector<Value> items;
  for (const auto& [key, value] : dict.members) {
    if (which == "items")
      items.push_back(runtime.work.sequence(SequenceKind::Tuple, {key, value}));
    else
      items.push_back(which == "keys" ? key : value);
  }
  return runtime.work.sequence(SequenceKind::View, std::move(items));
}

Value callDictMethod(const Dict& dict, std::string_view name, const Arguments& arguments, Runtime& runtime) {
  if (name == "get") {
    const Bound bound("get()", arguments, {"key", "default"}, 1);
    if (const Value* found = dict.find(*bound.at(0))) return *found;
    return bound.given(1) ? *bound.at(1) : Value(None{});
  }
  const Bound none(fmt::format("{}()", name), arguments, {});
  if (name == "copy") return makeDict(dict);
  return dictView(dict, name, runtime);
}

Value callListMethod(const Sequence& list, std::string_view name, const Arguments& arguments, Runtime& runtime) {
  if (name == "copy") {
    const Bound none("copy()", arguments, {});
    return runtime.work.sequence(list.kind, list.items);
  }
  const Bound bound(fmt::format("{}()", name), arguments, {"value"}, 1);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (!equal(list.items[i], *bound.at(0), runtime.work)) continue;
    if (name == "index") return static_cast<std::int64_t>(i);
    ++count;
  }
  if (name == "index") throw Failure("index(): the value is not in the list");
  return count;
}

}  // namespace

bool hasMethod(const Value& self, std::string_view name) {
  if (self.asText()) return isTextMethod(name);
  if (self.asDict()) {
    if (changesDict(name)) throw Failure(fmt::format("'{}' would change a dictionary, which templates may not", name));
    if (name == "fromkeys") throw Failure("'fromkeys' is not supported");
    return isOneOf(name, {"items", "keys", "values", "get", "copy"});
  }
  if (self.is<Loop*>()) return name == "cycle";
  const Sequence* sequence = self.asSequence();
  if (!sequence) return false;
  const bool list = sequence->kind == SequenceKind::List;
  if (list && changesList(name)) throw Failure(fmt::format("'{}' would change a list, which templates may not", name));
  if (list && name == "copy") return true;
  return (list || sequence->kind == SequenceKind::Tuple) && isOneOf(name, {"index", "count"});
}

Value callMethod(const Method& method, const Arguments& arguments, Runtime& runtime) {
  if (const std::string* text = method.self.asText()) return callTextMethod(*text, method.name, arguments, runtime);
  if (const Dict* dict = method.self.asDict()) return callDictMethod(*dict, method.name, arguments, runtime);
  if (const Sequence* list = method.self.asSequence()) return callListMethod(*list, method.name, arguments, runtime);
  const Loop& loop = *method.self.as<Loop*>();
  if (arguments.positional.empty() || !arguments.keywords.empty()) throw Failure("loop.cycle() needs items");
  return arguments.positional[static_cast<std::size_t>(loop.index0) % arguments.positional.size()];
}

Value attributeOf(const Value& value, std::string_view name, Runtime& runtime) {
  requireDefined(value);
  if (name.starts_with("_"))
    throw Failure(fmt::format("the member '{}' is Python's own, templates may not use it", name));
  if (hasMethod(value, name)) {
    runtime.work.charge(64);
    Method method{.self = value, .name = std::string(name)};
    if (depthOf(value) >= kMaxDepth) throw Failure("values lie too deep in each other");
    return MethodPointer(std::make_shared<const Method>(std::move(method)));
  }
  if (value.is<Loop*>()) return value.as<Loop*>()->attribute(name);
  if (value.is<Namespace*>()) {
    const auto& members = value.as<Namespace*>()->members;
    const auto found = members.find(std::string(name));
    return found == members.end() ? missing(value, name) : found->second;
  }
  if (const Dict* dict = value.asDict()) {
    const Value* found = dict->find(name);
    return found ? *found : missing(value, name);
  }
  if (value.isNumber() && isOneOf(name, {"real", "imag", "numerator", "denominator", "is_integer", "bit_length"}))
    throw Failure(fmt::format("'{}' of numbers is not supported", name));
  return missing(value, name);
}

Value itemOf(const Value& value, const Value& key, Runtime& runtime) {
  requireDefined(value);
  if (const Dict* dict = value.asDict()) {
    if (const Value* found = key.asSequence() || key.asDict() ? nullptr : dict->find(key)) return *found;
  } else if (key.isInteger()) {
    auto found = indexed(value, key.integer(), runtime);
    return found ? *found
                 : Value::undefined(fmt::format("a value of type {} has no item {}", typeName(value), key.integer()));
  }
  if (key.asText()) return attributeOf(value, *key.asText(), runtime);
  return Value::undefined(fmt::format("a value of type {} has no such item", typeName(value)));
}

Value sliceOf(const Value& value, const std::vector<Value>& slice, Runtime& runtime) {
  requireDefined(value);
  return sliced(value, slice, runtime);
}

bool contains(const Value& container, const Value& item, Runtime& runtime) {
  if (const std::string* text = container.asText()) {
    const std::string* part = item.asText();
    requireDefined(item);
    if (!part) throw Failure(fmt::format("a {} cannot be looked for in a string", typeName(item)));
    runtime.work.charge(text->size() / 4);
    return ::memmem(text->data(), text->size(), part->data(), part->size()) != nullptr;
  }
  if (const Dict* dict = container.asDict()) return dict->find(item) != nullptr;
  const Sequence* sequence = container.asSequence();
  if (!sequence) return container.is<Undefined>() ? false : (void(itemsOf(container, runtime)), false);
  const bool once = sequence->kind == SequenceKind::Generator;
  for (std::size_t i = once ? sequence->read : 0; i < sequence->items.size(); ++i) {
    if (once) sequence->read = i + 1;
    if (equal(sequence->items[i], item, runtime.work)) return true;
  }
  return false;
}

}  // namespace kvatlas::text::jinja
