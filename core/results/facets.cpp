#include "core/results/facets.h"

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::results {

std::string printFacet(const FacetValue& value) {
  return std::visit([](const auto& one) { return fmt::format("{}", one); }, value);
}

double numberOf(const FacetValue& value) {
  if (const auto* whole = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  fail("'{}' is a text where a number was expected", std::get<std::string>(value));
}

const FacetValue* Facets::find(std::string_view name) const {
  const auto found = std::ranges::find(m_items, name, &Item::first);
  return found == m_items.end() ? nullptr : &found->second;
}

const FacetValue& Facets::at(std::string_view name) const {
  const FacetValue* value = find(name);
  if (value == nullptr) fail("a case has no '{}'", name);
  return *value;
}

std::uint64_t Facets::whole(std::string_view name) const {
  const auto* value = std::get_if<std::uint64_t>(&at(name));
  if (value == nullptr) fail("'{}' of a case is not a whole number", name);
  return *value;
}

double Facets::number(std::string_view name) const {
  return numberOf(at(name));
}

const std::string& Facets::text(std::string_view name) const {
  const auto* value = std::get_if<std::string>(&at(name));
  if (value == nullptr) fail("'{}' of a case is not a text", name);
  return *value;
}

bool Facets::include(const Facets& wanted) const {
  return std::ranges::all_of(wanted, [&](const Item& item) {
    const FacetValue* value = find(item.first);
    return value != nullptr && *value == item.second;
  });
}

}  // namespace kvatlas::results
