#include "core/text/template/compare.h"

#include <fmt/format.h>

#include <algorithm>

namespace kvatlas::text::jinja {
namespace {

bool sameItems(const std::vector<Value>& left, const std::vector<Value>& right, Work& work) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const Value& a, const Value& b) { return equal(a, b, work); });
}

bool sameMembers(const Dict& left, const Dict& right, Work& work) {
  if (left.members.size() != right.members.size()) return false;
  return std::ranges::all_of(left.members, [&](const auto& member) {
    const Value* other = right.find(member.first);
    return other && equal(member.second, *other, work);
  });
}

bool sameSequences(const Sequence& left, const Sequence& right, Work& work) {
  if (&left == &right) return true;
  if (left.kind != right.kind || left.kind == SequenceKind::Generator) return false;
  if (left.kind == SequenceKind::View) throw Failure("views of a dictionary cannot be compared");
  return sameItems(left.items, right.items, work);
}

// Exact for 64-bit integers beside floats.
long double wide(const Value& value) {
  return value.is<double>() ? static_cast<long double>(value.as<double>()) : static_cast<long double>(value.integer());
}

}  // namespace

bool equal(const Value& left, const Value& right, Work& work) {
  work.step();
  if (left.isNumber() && right.isNumber()) return wide(left) == wide(right);
  if (left.asText() && right.asText()) {
    work.charge(std::min(left.asText()->size(), right.asText()->size()) / 16);
    return *left.asText() == *right.asText();
  }
  if (left.asSequence() && right.asSequence()) return sameSequences(*left.asSequence(), *right.asSequence(), work);
  if (left.asDict() && right.asDict()) return sameMembers(*left.asDict(), *right.asDict(), work);
  if (left.is<Namespace*>() && right.is<Namespace*>()) return left.as<Namespace*>() == right.as<Namespace*>();
  if (left.is<const Macro*>() && right.is<const Macro*>()) return left.as<const Macro*>() == right.as<const Macro*>();
  if (left.is<Loop*>() && right.is<Loop*>()) return left.as<Loop*>() == right.as<Loop*>();
  if ((left.is<Undefined>() && right.is<Undefined>()) || (left.is<None>() && right.is<None>())) return true;
  if (left.is<GlobalFunction>() && right.is<GlobalFunction>())
    return left.as<GlobalFunction>().name == right.as<GlobalFunction>().name;
  return false;
}

bool less(const Value& left, const Value& right, Work& work, std::string_view symbol) {
  work.step();
  requireDefined(left);
  requireDefined(right);
  if (left.isNumber() && right.isNumber()) return wide(left) < wide(right);
  work.charge(left.asText() ? left.asText()->size() / 16 : 0);
  if (left.asText() && right.asText()) return *left.asText() < *right.asText();  // UTF-8 sorts as its code points do
  const Sequence *first = left.asSequence(), *second = right.asSequence();
  if (first && second && first->kind == second->kind &&
      (first->kind == SequenceKind::List || first->kind == SequenceKind::Tuple)) {
    const std::size_t common = std::min(first->items.size(), second->items.size());
    for (std::size_t i = 0; i < common; ++i)
      if (!equal(first->items[i], second->items[i], work)) return less(first->items[i], second->items[i], work, symbol);
    return first->items.size() < second->items.size();
  }
  throw Failure(fmt::format("'{}' does not compare {} and {}", symbol, typeName(left), typeName(right)));
}

}  // namespace kvatlas::text::jinja
