// The weights of a decoder as tensors, loaded by their Hugging Face names.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "capture/model/config.h"
#include "capture/model/experts.h"
#include "capture/model/load_options.h"
#include "capture/model/products.h"
#include "capture/model/weight_source.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct LayerWeights {
  at::Tensor attention_norm, mlp_norm;  // [hidden]
  at::Tensor query_norm, key_norm;      // [head_dim], or undefined
  Linear query, key, value, output;
  Linear query_key_value;  // on the host, packed: all three in one product; they are then empty
  Mlp mlp;                 // undefined where there are experts
  ExpertWeights experts;
};

struct Weights {
  at::Tensor embedding;  // [vocab, hidden]
  std::vector<LayerWeights> layers;
  at::Tensor final_norm;
  at::Tensor logits;  // [vocab, hidden]; the embedding itself if tied and no other is stored
};

// Reads layer by layer with progress "loading"; stops between tensors. If the configuration ties the output matrix to
// the embedding but the files store a different one, uses the stored one and warns, as Transformers 5 does
// (Transformers 4 used the embedding).
// On the host, f32 and bf16 layers are packed as `options.products` says as soon as they are read, and the packed copy
// replaces the weights; not where these are mapped from the file, which takes no memory, and the copies would take more
// than half of the machine's. Error, after the first layer, where weights that are converted or packed do not fit the
// free memory of the host beside options.beside_weights.
[[nodiscard]] Weights loadWeights(const WeightSource& source, const ModelConfig& config, const LoadOptions& options,
                                  const WorkContext& work);

// Random weights generated on the devices, for benchmarks: uniform with the variance that keeps a layer's output as
// large as its input. Reproducible on one kind of device.
[[nodiscard]] Weights randomWeights(const ModelConfig& config, const LoadOptions& options);

}  // namespace kvatlas::capture
