// The weights of a Llama or Mistral decoder as tensors, by their Hugging Face names; knows no forward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "capture/model/config.h"
#include "capture/model/weight_source.h"
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
// layer_devices [layers], or empty: all on `device`, where embedding and logits lie.
[[nodiscard]] Weights loadWeights(const WeightSource& source, const ModelConfig& config, at::ScalarType dtype,
                                  at::Device device, std::span<const at::Device> layer_devices,
                                  const WorkContext& work);

// Weights of that shape made on the devices themselves, uniform with the variance that keeps a layer's output as large
// as its input: for measurements. The same numbers every time on one kind of device.
[[nodiscard]] Weights randomWeights(const ModelConfig& config, at::ScalarType dtype, at::Device device,
                                    std::span<const at::Device> layer_devices);

}  // namespace kvatlas::capture
