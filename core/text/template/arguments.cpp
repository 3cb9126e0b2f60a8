#include <fmt/format.h>

#include <algorithm>

#include "core/text/template/letters.h"
#include "core/text/template/runtime.h"

namespace kvatlas::text::jinja {

Bound::Bound(std::string_view called, const Arguments& arguments, std::initializer_list<std::string_view> names,
             std::size_t required)
    : m_called(called), m_values(names.size(), nullptr), m_names(names) {
  if (arguments.positional.size() > names.size())
    throw Failure(
        fmt::format("{} takes {} arguments at most, {} were given", called, names.size(), arguments.positional.size()));
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) m_values[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keywords) {
    const auto found = std::ranges::find(m_names, name);
    if (found == m_names.end()) throw Failure(fmt::format("{} takes no argument '{}'", called, name));
    const Value*& slot = m_values[static_cast<std::size_t>(found - m_names.begin())];
    if (slot) throw Failure(fmt::format("{} is given the argument '{}' twice", called, name));
    slot = &value;
  }
  for (std::size_t i = 0; i < required; ++i)
    if (!m_values[i]) throw Failure(fmt::format("{} needs the argument '{}'", called, m_names[i]));
}

std::int64_t Bound::integer(std::size_t index, std::int64_t otherwise) const {
  if (!given(index)) return otherwise;
  requireDefined(*at(index));
  if (!at(index)->isInteger())
    throw Failure(
        fmt::format("{}: '{}' has to be an integer, not a {}", m_called, m_names[index], typeName(*at(index))));
  return at(index)->integer();
}

bool Bound::truth(std::size_t index, bool otherwise) const {
  return given(index) ? isTrue(*at(index)) : otherwise;
}

const std::string& Bound::text(std::size_t index, const std::string& otherwise) const {
  if (!given(index)) return otherwise;
  requireDefined(*at(index));
  if (!at(index)->asText())
    throw Failure(fmt::format("{}: '{}' has to be a string, not a {}", m_called, m_names[index], typeName(*at(index))));
  return *at(index)->asText();
}

std::vector<Value> itemsOf(const Value& value, Runtime& runtime) {
  std::vector<Value> items;
  if (const Sequence* sequence = value.asSequence()) {
    runtime.work.chargeItems(sequence->items.size());
    if (sequence->kind != SequenceKind::Generator) return sequence->items;
    items.assign(sequence->items.begin() + static_cast<std::ptrdiff_t>(sequence->read), sequence->items.end());
    sequence->read = sequence->items.size();
  } else if (const std::string* text = value.asText()) {
    runtime.work.charge(text->size());
    for (const std::string_view character : characters(*text))
      items.push_back(runtime.work.text(std::string(character)));
  } else if (const Dict* dict = value.asDict()) {
    runtime.work.chargeItems(dict->members.size());
    for (const auto& member : dict->members) items.push_back(member.first);
  } else if (!value.is<Undefined>()) {
    throw Failure(fmt::format("a value of type {} has no items", typeName(value)));
  }
  return items;
}

}  // namespace kvatlas::text::jinja
