#include "core/text/sentencepiece/piece_trie.h"

namespace kvatlas::text {

void PieceTrie::add(std::string_view piece, TokenId id) {
  std::uint32_t node = 0;
  for (const char byte : piece) {
    const std::uint64_t edge = key(node, byte);
    if (const std::uint32_t* child = m_children.find(edge)) {
      node = *child;
      continue;
    }
    node = static_cast<std::uint32_t>(m_id_at.size());
    m_children.insertOrAssign(edge, node);
    m_id_at.push_back(kNone);
  }
  m_id_at[node] = id;
}

}  // namespace kvatlas::text
