// A hash table from 64-bit keys to small values, built once and then only read; knows nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace kvatlas::text {

// Open addressing, at most half full. The key 2^64 - 1 cannot be stored.
template <class Value>
class FlatMap {
 public:
  FlatMap() : m_slots(16, Slot{kFree, Value{}}) {}

  void insertOrAssign(std::uint64_t key, Value value) {
    if (2 * (m_size + 1) > m_slots.size()) grow();
    Slot& slot = m_slots[slotOf(key)];
    if (slot.first == kFree) ++m_size;
    slot = {key, value};
  }

  [[nodiscard]] const Value* find(std::uint64_t key) const {
    const Slot& slot = m_slots[slotOf(key)];
    return slot.first == kFree ? nullptr : &slot.second;
  }

  [[nodiscard]] bool contains(std::uint64_t key) const { return find(key) != nullptr; }

  template <class Visit>
  void forEach(const Visit& visit) const {
    for (const Slot& slot : m_slots) {
      if (slot.first != kFree) visit(slot.first, slot.second);
    }
  }

 private:
  using Slot = std::pair<std::uint64_t, Value>;
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  // The slot that holds the key, or the free one where it would go.
  [[nodiscard]] std::size_t slotOf(std::uint64_t key) const {
    const std::size_t mask = m_slots.size() - 1;
    const std::uint64_t mixed = (key ^ key >> 32) * 0x9E3779B97F4A7C15u;
    std::size_t at = (mixed ^ mixed >> 29) & mask;
    while (m_slots[at].first != kFree && m_slots[at].first != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(m_slots.size() * 2, Slot{kFree, Value{}});
    old.swap(m_slots);
    for (const Slot& slot : old) {
      if (slot.first != kFree) m_slots[slotOf(slot.first)] = slot;
    }
  }

  std::vector<Slot> m_slots;
  std::size_t m_size = 0;
};

}  // namespace kvatlas::text
