// The seam through which a forward pass is watched; knows tensors, no file.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/base/ids.h"

namespace kvatlas::capture {

// What one layer's attention of a prefill was, valid during the call.
struct LayerAttention {
  LayerIndex layer;
  at::Tensor query;  // [query_heads, N, d] after RoPE, contiguous
  at::Tensor key;    // [kv_heads, N, d] after RoPE, contiguous
  at::Tensor value;  // [kv_heads, N, d], contiguous
  at::Tensor lse;    // [query_heads, N] f32 natural log, or undefined where the attention kernel gave none
};

// Asked before anything is computed or copied; no observer, no cost.
class AttentionObserver {
 public:
  virtual ~AttentionObserver() = default;
  [[nodiscard]] virtual bool wants(LayerIndex layer) const = 0;
  virtual void onAttention(const LayerAttention& attention) = 0;
};

}  // namespace kvatlas::capture
