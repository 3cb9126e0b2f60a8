// What tells the cases of a run apart: named numbers and texts in a fixed order, as length 1024 or kind "number".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kvatlas::results {

enum class FacetType : std::uint8_t { Whole, Number, Text };

using FacetValue = std::variant<std::uint64_t, double, std::string>;  // in the order of FacetType

[[nodiscard]] inline FacetType typeOf(const FacetValue& value) {
  return static_cast<FacetType>(value.index());
}
[[nodiscard]] std::string printFacet(const FacetValue& value);  // 1024 → "1024", 37.5 → "37.5"
[[nodiscard]] double numberOf(const FacetValue& value);         // Error: a text

class Facets {
 public:
  using Item = std::pair<std::string, FacetValue>;

  Facets() = default;
  Facets(std::initializer_list<Item> items) : m_items(items) {}

  void add(std::string name, FacetValue value) { m_items.emplace_back(std::move(name), std::move(value)); }
  [[nodiscard]] const FacetValue* find(std::string_view name) const;  // nullptr: there is none of this name
  // Error: no facet of this name, or one of another type.
  [[nodiscard]] std::uint64_t whole(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;  // of a whole number, too
  [[nodiscard]] const std::string& text(std::string_view name) const;

  [[nodiscard]] auto begin() const { return m_items.begin(); }
  [[nodiscard]] auto end() const { return m_items.end(); }
  [[nodiscard]] std::size_t size() const { return m_items.size(); }

  // Whether every facet of `wanted` is here with the same value.
  [[nodiscard]] bool include(const Facets& wanted) const;
  friend bool operator==(const Facets&, const Facets&) = default;

 private:
  [[nodiscard]] const FacetValue& at(std::string_view name) const;
  std::vector<Item> m_items;
};

// One facet of a plan: its type, the range of its numbers and the values that occur, each once in the order of cases.
struct FacetSpec {
  std::string name;
  FacetType type = FacetType::Text;
  double least = 0, most = 0;  // of numbers, inclusive
  std::vector<FacetValue> values;
};

}  // namespace kvatlas::results
