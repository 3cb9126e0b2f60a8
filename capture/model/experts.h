// A mixture of experts in place of a layer's MLP: a router sends each token to a few of the experts (Mixtral, Jiang et
// al. 2024).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "capture/model/config.h"
#include "core/base/expert_use.h"

namespace kvatlas::capture {

struct Expert {
  at::Tensor gate, up;  // [inner, hidden]
  at::Tensor down;      // [hidden, inner]
};

struct ExpertWeights {
  at::Tensor router;  // [experts, hidden]; undefined: the layer has one MLP
  std::vector<Expert> experts;
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

// Counts the tokens of a prompt, chunk by chunk.
class ExpertTally {
 public:
  explicit ExpertTally(const ModelConfig& config);

  void add(std::uint32_t layer, const Routing& routing);
  // Of a prompt of `tokens` tokens.
  [[nodiscard]] ExpertUse use(std::uint64_t tokens) const;

 private:
  std::size_t m_experts;
  std::vector<std::uint32_t> m_tokens;  // [layers, experts]
  std::vector<double> m_weight;         // [layers, experts] sums
};

}  // namespace kvatlas::capture
