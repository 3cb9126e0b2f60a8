// The K/V lists of one branch: kept rows of the prompt plus every generated token, per layer and stored head, each of
// its own length.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "capture/model/decoder.h"
#include "core/policy/policy.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::capture {

struct CacheShape {
  std::uint32_t query_heads = 0, kv_heads = 0, head_dim = 0;
  std::uint32_t stored_heads = 0;    // kv_heads or query_heads
  std::uint64_t sliding_window = 0;  // 0: none
  std::uint32_t reserve = 0;         // rows for generated tokens
  [[nodiscard]] std::uint32_t rowsPerHead() const {
    return query_heads / stored_heads;
  }  // query heads that read one list
  [[nodiscard]] std::uint32_t kvHeadOf(std::uint32_t stored) const { return stored / (stored_heads / kv_heads); }
};

class BranchCache {
 public:
  explicit BranchCache(const CacheShape& shape) : m_shape(shape) {}

  // Copies the kept rows of the next layer; call once per layer, in order. key, value: host f32 [kv_heads, N, d].
  void addLayer(const at::Tensor& key, const at::Tensor& value, const policy::Decision& decision, LayerIndex layer);
  // Appends the new token's rows [kv_heads, d] at `position` to every list of a layer.
  void append(LayerIndex layer, const float* key, const float* value, std::uint64_t position);
  // One segment per stored head for queries [query_heads, d]; keys that have left the sliding window are skipped.
  void segments(LayerIndex layer, const float* query, float* output, std::uint64_t position,
                std::vector<kernels::DecodeSegment>& out) const;
  // How many of a list's first rows lie outside the sliding window at `position`.
  [[nodiscard]] std::size_t hiddenRows(LayerIndex layer, std::uint32_t stored_head, std::uint64_t position) const;
  [[nodiscard]] const CacheShape& shape() const { return m_shape; }

 private:
  struct List {
    std::vector<float> key, value;  // [rows, d]
    std::size_t rows = 0;
    bool counted = false;                  // row i is position i: nothing is evicted
    std::vector<std::uint32_t> positions;  // [rows] ascending; of others, where there is a sliding window
  };
  void keepPositions(List& list, std::span<const TokenIndex> kept, bool everything) const;
  [[nodiscard]] const List& list(LayerIndex layer, std::uint32_t head) const {
    return m_lists[layer.value * m_shape.stored_heads + head];
  }

  CacheShape m_shape;
  std::vector<List> m_lists;  // [layers, stored_heads]
};

}  // namespace kvatlas::capture
