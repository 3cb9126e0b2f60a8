// The interface through which callers observe a forward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/base/ids.h"

namespace kvatlas::capture {

// Attention of one layer in a prefill; valid during the call.
struct LayerAttention {
  LayerIndex layer;
  at::Tensor query;  // [query_heads, N, d] after RoPE, contiguous
  at::Tensor key;    // [kv_heads, N, d] after RoPE, contiguous
  at::Tensor value;  // [kv_heads, N, d], contiguous
  at::Tensor lse;    // [query_heads, N] f32 natural log, or undefined where the attention kernel gave none
  // [hidden, query_heads · d] of the layer's output projection; empty where nobody gives it.
  std::function<at::Tensor()> output_weight;
};

// `wants` is called before anything is computed or copied; without an observer there is no cost.
class AttentionObserver {
 public:
  virtual ~AttentionObserver() = default;
  [[nodiscard]] virtual bool wants(LayerIndex layer) const = 0;
  virtual void onAttention(const LayerAttention& attention) = 0;
};

}  // namespace kvatlas::capture
