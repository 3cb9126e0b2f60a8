#include "core/text/sentencepiece/charsmap.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

std::uint32_t littleEndian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

constexpr std::size_t kLongestEntry = 256;  // bytes; a crafted table could match without end

// The units of Yata's darts-clone: an offset to the children, the byte that leads here, and whether a value is there.
constexpr std::uint32_t kHasLeaf = 1U << 8, kIsLeaf = 1U << 31;
std::uint32_t offsetOf(std::uint32_t unit) {
  return (unit >> 10) << ((unit & (1U << 9)) >> 6);
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& where) {
  if (bytes.empty()) return;
  const auto refuse = [&] { fail("{}: precompiled_charsmap is no table of characters", where); };
  if (bytes.size() < 8) refuse();
  const std::size_t size = littleEndian(bytes, 0);
  if (size < 4 || size % 4 != 0 || size > bytes.size() - 4) refuse();
  for (std::size_t at = 4; at < 4 + size; at += 4) m_units.push_back(littleEndian(bytes, at));
  m_texts = bytes.substr(4 + size);
  if (m_texts.empty() || m_texts.back() != '\0' || !isValidUtf8(m_texts)) refuse();
}

std::optional<Charsmap::Replacement> Charsmap::find(std::string_view text) const {
  std::optional<Replacement> longest;
  if (m_units.empty()) return longest;
  std::size_t node = offsetOf(m_units[0]);
  for (std::size_t i = 0; i < std::min(text.size(), kLongestEntry); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) break;
    node ^= byte;
    if (node >= m_units.size() || (m_units[node] & (kIsLeaf | 0xFFU)) != byte) break;
    const std::uint32_t unit = m_units[node];
    node ^= offsetOf(unit);
    if ((unit & kHasLeaf) == 0) continue;
    if (node >= m_units.size()) break;
    const std::size_t value = m_units[node] & ~kIsLeaf;
    if (value >= m_texts.size()) break;
    longest = Replacement{i + 1, std::string_view(m_texts.c_str() + value)};
  }
  // An entry that ends, or whose text begins, within a character is no entry.
  if (longest && (!isValidUtf8(longest->with) || !isValidUtf8(text.substr(0, longest->length)))) return std::nullopt;
  return longest;
}

}  // namespace kvatlas::text
