// A layer's MLP, and a mixture of experts in its place: a router sends each token to a few of the experts (Mixtral,
// Jiang et al. 2024).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "capture/model/config.h"
#include "capture/model/products.h"
#include "core/base/expert_use.h"

namespace kvatlas::capture {

// down(silu(gate(x)) · up(x)): the only one of a layer, or an expert.
struct Mlp {
  Linear gate, up;     // [inner, hidden]
  Linear down;         // [hidden, inner]
  Linear gate_and_up;  // on the host, packed: both in one product; the two are then empty
};
// [n, hidden] → [n, hidden]
[[nodiscard]] at::Tensor mlpOutput(const Mlp& mlp, const at::Tensor& rows);
// Replaces the weights by their packed forms.
void pack(Mlp& mlp);

struct ExpertWeights {
  Linear router;  // [experts, hidden]; undefined: the layer has one MLP
  std::vector<Mlp> experts;
};

// Which experts each row goes to, and with what weight.
struct Routing {
  at::Tensor chosen;  // [n, experts] bool
  at::Tensor weight;  // [n, experts] f32; 0 where not chosen, else the softmax over the chosen ones
};

// Ties go to the expert of the lowest number.
[[nodiscard]] Routing route(const ExpertWeights& weights, const at::Tensor& rows, std::uint32_t per_token);

// [n, hidden] → [n, hidden]: the weighted sum of the chosen experts, in the order of their numbers.
[[nodiscard]] at::Tensor mixture(const ExpertWeights& weights, const Routing& routing, const at::Tensor& rows);

// Counts the tokens of a prompt, layer by layer.
class ExpertTally {
 public:
  ExpertTally(const ModelConfig& config, std::int64_t tokens);

  // The choice of the tokens from `first_row` on. From several threads at once, for different tokens.
  void note(std::int64_t first_row, const Routing& routing);
  // All tokens are noted. In this order, not the threads', their weights are summed.
  void finishLayer(std::uint32_t layer);
  [[nodiscard]] ExpertUse use() const { return m_use; }

 private:
  std::int64_t m_tokens;
  at::Tensor m_weight;  // [tokens, experts] f32 of the layer in progress; NaN where not chosen
  ExpertUse m_use;
};

}  // namespace kvatlas::capture
