// Typed indices, so that a layer cannot be passed as a head.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace kvatlas {

template <class Tag>
struct Index {
  std::uint32_t value = 0;
  constexpr Index() = default;
  constexpr explicit Index(std::size_t index) : value(static_cast<std::uint32_t>(index)) {}
  friend constexpr auto operator<=>(Index, Index) = default;
};

using LayerIndex = Index<struct LayerTag>;
using HeadIndex = Index<struct HeadTag>;  // a query head, or a stored head where documented
using KvHeadIndex = Index<struct KvHeadTag>;

using TokenId = std::uint32_t;     // a row of the vocabulary
using TokenIndex = std::uint32_t;  // a position in the prompt, from 0; eviction does not renumber positions

}  // namespace kvatlas
