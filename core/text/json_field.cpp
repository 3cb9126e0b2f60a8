#include "core/text/json_field.h"

#include "core/base/error.h"

namespace kvatlas::text {

void JsonField::complain(std::string_view what) const {
  fail("{}: {}", m_where, what);
}

std::optional<JsonField> JsonField::find(std::string_view key) const {
  if (!m_value->is_object()) complain(fmt::format("an object was expected, not {}", m_value->type_name()));
  const auto found = m_value->find(key);
  if (found == m_value->end() || found->is_null()) return std::nullopt;
  const bool at_root = m_where.ends_with(".json");
  return JsonField(*found, fmt::format("{}{}{}", m_where, at_root ? ": " : ".", key));
}

JsonField JsonField::at(std::string_view key) const {
  std::optional<JsonField> found = find(key);
  if (!found) complain(fmt::format("'{}' is missing", key));
  return *std::move(found);
}

std::vector<JsonField> JsonField::elements() const {
  if (!m_value->is_array()) complain(fmt::format("a list was expected, not {}", m_value->type_name()));
  std::vector<JsonField> fields;
  fields.reserve(m_value->size());
  for (std::size_t i = 0; i < m_value->size(); ++i)
    fields.emplace_back((*m_value)[i], fmt::format("{}[{}]", m_where, i));
  return fields;
}

const std::string& JsonField::asString() const {
  if (!m_value->is_string()) complain(fmt::format("a string was expected, not {}", m_value->type_name()));
  return m_value->get_ref<const std::string&>();
}

std::uint64_t JsonField::asUnsigned() const {
  if (!m_value->is_number_unsigned()) complain("a whole number of 0 or more was expected");
  return m_value->get<std::uint64_t>();
}

bool JsonField::boolean(std::string_view key, bool otherwise) const {
  const std::optional<JsonField> field = find(key);
  if (!field) return otherwise;
  if (!field->value().is_boolean()) field->complain("true or false was expected");
  return field->value().get<bool>();
}

}  // namespace kvatlas::text
