// Rotary position embedding in the "rotate half" convention, float32 tables as in Hugging Face Transformers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "capture/model/config.h"

namespace kvatlas::capture {

struct RopeTable {
  at::Tensor cosine, sine;  // [n, d/2], the compute type; with the attention factor
};

// Inverse frequencies [head_dim/2] float32 (Su et al. 2021; linear: kaiokendev; dynamic NTK: bloc97, emozilla; llama3:
// Llama 3.1; YaRN: Peng et al. 2023; LongRoPE: Ding et al. 2024). sequence_length, the number of
// tokens in the pass, matters only to dynamic scaling and LongRoPE.
[[nodiscard]] at::Tensor inverseFrequencies(const RopeConfig& rope, std::uint32_t head_dim,
                                            std::uint64_t sequence_length);

// Positions 0 … count−1 of a prompt of `count` tokens.
[[nodiscard]] RopeTable promptTable(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t count,
                                    const at::TensorOptions& options);

// One row per position, each as in a pass over max(prompt_tokens, position + 1) tokens.
[[nodiscard]] RopeTable stepTable(const RopeConfig& rope, std::uint32_t head_dim,
                                  std::span<const std::uint64_t> positions, std::uint64_t prompt_tokens,
                                  const at::TensorOptions& options);

}  // namespace kvatlas::capture
