// The weights of a Llama or Mistral decoder as tensors, by their Hugging Face names; knows no forward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "capture/model/checkpoint.h"
#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct Linear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], or undefined
};

struct LayerWeights {
  at::Tensor attention_norm, mlp_norm;  // [hidden]
  Linear query, key, value, output;
  Linear gate, up, down;
};

struct Weights {
  at::Tensor embedding;  // [vocab, hidden]
  std::vector<LayerWeights> layers;
  at::Tensor final_norm;
  at::Tensor logits;  // [vocab, hidden]; the embedding itself where tied
};

// Reads layer by layer with progress "loading"; stops between tensors.
[[nodiscard]] Weights loadWeights(const Checkpoint& checkpoint, const ModelConfig& config, at::ScalarType dtype,
                                  at::Device device, const WorkContext& work);

}  // namespace kvatlas::capture
