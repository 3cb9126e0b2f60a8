#include "core/text/template/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::text::jinja {
namespace {

std::string textKey(std::string_view text) {
  return fmt::format("s{}", text);
}

// What equal keys share; Failure for what Python cannot hash.
std::string keyOf(const Value& key) {
  if (const std::string* text = key.asText()) return textKey(*text);
  if (key.is<None>()) return "n";
  if (key.isInteger()) return fmt::format("i{}", key.integer());
  if (key.is<double>()) {
    const double number = key.as<double>();
    if (std::abs(number) < 9e15 && number == std::floor(number))
      return fmt::format("i{}", static_cast<std::int64_t>(number));
    return fmt::format("d{}", number);
  }
  requireDefined(key);
  throw Failure(fmt::format("a {} cannot be the key of a dictionary", typeName(key)));
}

}  // namespace

const std::string* Value::asText() const {
  const Text* text = std::get_if<Text>(&m_held);
  return text ? text->get() : nullptr;
}

const Sequence* Value::asSequence() const {
  const SequencePointer* sequence = std::get_if<SequencePointer>(&m_held);
  return sequence ? sequence->get() : nullptr;
}

const Dict* Value::asDict() const {
  const DictPointer* dict = std::get_if<DictPointer>(&m_held);
  return dict ? dict->get() : nullptr;
}

std::int64_t Value::integer() const {
  return is<bool>() ? std::int64_t{as<bool>()} : as<std::int64_t>();
}

double Value::number() const {
  return is<double>() ? as<double>() : static_cast<double>(integer());
}

const Value* Dict::find(const Value& key) const {
  const auto found = index.find(keyOf(key));
  return found == index.end() ? nullptr : &members[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = index.find(textKey(key));
  return found == index.end() ? nullptr : &members[found->second].second;
}

void Dict::set(const Value& key, const Value& value) {
  depth = std::max(depth, 1 + depthOf(value));
  if (depth > kMaxDepth) throw Failure(fmt::format("values lie more than {} deep in each other", kMaxDepth));
  const auto [at, is_new] = index.try_emplace(keyOf(key), members.size());
  if (is_new)
    members.emplace_back(key, value);
  else
    members[at->second].second = value;
}

Value makeSequence(SequenceKind kind, std::vector<Value> items) {
  Sequence sequence{.kind = kind, .items = std::move(items)};
  for (const Value& item : sequence.items) sequence.depth = std::max(sequence.depth, 1 + depthOf(item));
  if (sequence.depth > kMaxDepth) throw Failure(fmt::format("values lie more than {} deep in each other", kMaxDepth));
  return SequencePointer(std::make_shared<const Sequence>(std::move(sequence)));
}

Value makeDict(Dict dict) {
  return DictPointer(std::make_shared<const Dict>(std::move(dict)));
}

unsigned depthOf(const Value& value) {
  if (const Sequence* sequence = value.asSequence()) return sequence->depth;
  if (const Dict* dict = value.asDict()) return dict->depth;
  if (value.is<MethodPointer>()) return 1 + depthOf(value.as<MethodPointer>()->self);
  return 0;
}

std::string_view typeName(const Value& value) {
  if (value.is<Undefined>()) return "Undefined";
  if (value.is<None>()) return "NoneType";
  if (value.is<bool>()) return "bool";
  if (value.is<std::int64_t>()) return "int";
  if (value.is<double>()) return "float";
  if (value.is<Text>()) return "str";
  if (value.is<DictPointer>()) return "dict";
  if (value.is<Namespace*>()) return "Namespace";
  if (value.is<Loop*>()) return "loop";
  const Sequence* sequence = value.asSequence();
  if (!sequence) return "function";
  static constexpr std::string_view kNames[] = {"list", "tuple", "range", "view of a dict", "generator"};
  return kNames[static_cast<std::size_t>(sequence->kind)];
}

bool isTrue(const Value& value) {
  if (value.is<Undefined>() || value.is<None>()) return false;
  if (value.isInteger()) return value.integer() != 0;
  if (value.is<double>()) return value.as<double>() != 0;
  if (const std::string* text = value.asText()) return !text->empty();
  if (const Dict* dict = value.asDict()) return !dict->members.empty();
  const Sequence* sequence = value.asSequence();
  return !sequence || sequence->kind == SequenceKind::Generator || !sequence->items.empty();
}

void requireDefined(const Value& value) {
  if (value.is<Undefined>()) {
    const auto& reason = value.as<Undefined>().reason;
    throw Failure(reason ? *reason : "an undefined value is used");
  }
}

}  // namespace kvatlas::text::jinja
