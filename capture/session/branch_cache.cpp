#include "capture/session/branch_cache.h"

#include <algorithm>

#include "kernels/cache_gather.h"

namespace kvatlas::capture {

void BranchCache::addLayer(const at::Tensor& key, const at::Tensor& value, const policy::Decision& decision,
                           LayerIndex layer) {
  const std::size_t row = m_shape.head_dim, head_size = static_cast<std::size_t>(key.size(1)) * row;
  for (std::uint32_t head = 0; head < m_shape.stored_heads; ++head) {
    const std::span<const TokenIndex> kept = decision.kept(layer, head);
    const std::size_t source = m_shape.kvHeadOf(head) * head_size;
    List& list = m_lists.emplace_back();
    const std::size_t reserved = kept.size() + m_shape.reserve;
    list.key.reserve(reserved * row);
    list.value.reserve(reserved * row);
    list.key.resize(kept.size() * row);
    list.value.resize(kept.size() * row);
    list.rows = kept.size();
    keepPositions(list, kept, decision.everything);
    kernels::gatherRows(key.const_data_ptr<float>() + source, kept, row * sizeof(float), list.key.data());
    kernels::gatherRows(value.const_data_ptr<float>() + source, kept, row * sizeof(float), list.value.data());
  }
}

// Only a sliding window asks which rows it has left behind.
void BranchCache::keepPositions(List& list, std::span<const TokenIndex> kept, bool everything) const {
  list.counted = everything;
  if (m_shape.sliding_window == 0 || everything) return;
  list.positions.reserve(kept.size() + m_shape.reserve);
  list.positions.assign(kept.begin(), kept.end());
}

void BranchCache::append(LayerIndex layer, const float* key, const float* value, std::uint64_t position) {
  const std::size_t row = m_shape.head_dim;
  for (std::uint32_t head = 0; head < m_shape.stored_heads; ++head) {
    List& list = m_lists[layer.value * m_shape.stored_heads + head];
    const std::size_t source = m_shape.kvHeadOf(head) * row;
    list.key.insert(list.key.end(), key + source, key + source + row);
    list.value.insert(list.value.end(), value + source, value + source + row);
    if (m_shape.sliding_window > 0 && !list.counted) list.positions.push_back(static_cast<std::uint32_t>(position));
    ++list.rows;
  }
}

std::size_t BranchCache::hiddenRows(LayerIndex layer, std::uint32_t stored_head, std::uint64_t position) const {
  if (m_shape.sliding_window == 0 || position < m_shape.sliding_window) return 0;
  const List& from = list(layer, stored_head);
  const std::uint64_t first_visible = position - m_shape.sliding_window + 1;
  if (from.counted) return std::min<std::uint64_t>(first_visible, from.rows);
  const auto& positions = from.positions;
  return static_cast<std::size_t>(std::ranges::lower_bound(positions, first_visible) - positions.begin());
}

void BranchCache::segments(LayerIndex layer, const float* query, float* output, std::uint64_t position,
                           std::vector<kernels::DecodeSegment>& out) const {
  const std::size_t rows = m_shape.rowsPerHead(), row = m_shape.head_dim;
  for (std::uint32_t head = 0; head < m_shape.stored_heads; ++head) {
    const List& from = list(layer, head);
    const std::size_t hidden = hiddenRows(layer, head, position);
    out.push_back({.query = query + head * rows * row,
                   .rows = rows,
                   .key = from.key.data() + hidden * row,
                   .value = from.value.data() + hidden * row,
                   .length = from.rows - hidden,
                   .output = output + head * rows * row});
  }
}

}  // namespace kvatlas::capture
