// The Llama decoder as a trainable function of whole batches, with its parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "app/trainer/recipe.h"

namespace kvatlas::trainer {

// Matrices of all layers are stacked, so that one optimiser step processes them as one batch. All f32.
struct Parameters {
  at::Tensor query, key, value, output;  // [layers, out, in]
  at::Tensor gate, up, down;             // [layers, out, in]
  at::Tensor attention_norm, mlp_norm;   // [layers, hidden]
  at::Tensor embedding, final_norm;      // [vocabulary, hidden] (also the output), [hidden]

  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor*>> matrices();  // updated by Muon
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor*>> vectors();   // updated by AdamW
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor*>> all();
};

// N(0, 1/fan-in), output projections half of that, embeddings 0.02, norms 1; the same numbers for the same seed.
[[nodiscard]] Parameters initialParameters(const ModelShape& shape, std::uint64_t seed, at::Device device);

// Queries and keys of one layer after RoPE, for the lesson; [batch, heads, n, d].
struct Watched {
  std::uint32_t layer = 0;
  at::Tensor query, key;
};

class Network {
 public:
  // compute: the type of the matrix products (float, or bfloat16 where the machine supports it).
  Network(const ModelShape& shape, Parameters& parameters, at::ScalarType compute);

  // ids [batch, n] → final hidden states [batch, n, hidden], normalised. Fills `watched` with the layers in `watch`.
  [[nodiscard]] at::Tensor hidden(const at::Tensor& ids, const std::vector<std::uint32_t>& watch,
                                  std::vector<Watched>& watched) const;
  // Rows of hidden states [m, hidden] → logits [m, vocabulary] f32.
  [[nodiscard]] at::Tensor logits(const at::Tensor& rows) const;

 private:
  [[nodiscard]] at::Tensor rotated(const at::Tensor& rows) const;  // [batch, n, heads, d] → [batch, heads, n, d]

  ModelShape m_shape;
  Parameters& m_parameters;
  at::ScalarType m_compute;
  at::Tensor m_cosine, m_sine;  // [positions, d/2] f32
};

}  // namespace kvatlas::trainer
