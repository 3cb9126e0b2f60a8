// Finds the pieces that a text begins with.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/text/flat_map.h"

namespace kvatlas::text {

class PieceTrie {
 public:
  PieceTrie() { m_id_at.push_back(kNone); }
  void add(std::string_view piece, TokenId id);

  // Calls found(bytes, id) for every piece that `text` begins with, shorter ones first.
  template <class Found>
  void forPrefixes(std::string_view text, const Found& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint32_t* child = m_children.find(key(node, text[i]));
      if (child == nullptr) return;
      node = *child;
      if (m_id_at[node] != kNone) found(i + 1, m_id_at[node]);
    }
  }

 private:
  static constexpr TokenId kNone = ~TokenId{0};
  static std::uint64_t key(std::uint32_t node, char byte) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(byte);
  }

  FlatMap<std::uint32_t> m_children;  // node << 8 | byte → node; node 0 is the root
  std::vector<TokenId> m_id_at;       // [node]
};

}  // namespace kvatlas::text
