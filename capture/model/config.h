// Reads the configuration of a Llama, Mistral, Mixtral, Granite, Qwen2 or Qwen3 checkpoint: config.json of a folder, or
// the metadata of a GGUF file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::capture {

enum class RopeScaling { None, Linear, Dynamic, Llama3, Yarn, LongRope };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::None;
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // Llama3
  double beta_fast = 32.0, beta_slow = 1.0;              // Yarn: rotations between which frequencies are blended
  bool truncate_range = true;                            // Yarn: the blended range ends at whole dimensions
  double attention_factor = 1.0;                         // Yarn, LongRope: cosines and sines are multiplied by it
  std::vector<float> short_factors, long_factors;        // LongRope [head_dim/2]: long beyond original_positions
  std::uint64_t original_positions = 0;                  // Llama3, Dynamic, Yarn, LongRope
  std::vector<float> frequency_factors;                  // [head_dim/2] divisors of the frequencies (GGUF); empty: none
};

struct ModelConfig {
  std::string name;          // of the folder, or of the GGUF file
  std::string architecture;  // (Llama|Mistral|Mixtral|Granite|Qwen2|Qwen3)ForCausalLM
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0, head_dim = 0;
  std::uint32_t hidden_size = 0, intermediate_size = 0, vocab_size = 0;
  std::uint32_t experts = 0, experts_per_token = 0;  // of each layer's MLP; 0: one MLP for all tokens
  std::uint64_t max_positions = 0;
  std::uint64_t sliding_window = 0;  // 0: none
  double rms_norm_eps = 1e-6;
  bool tied_output = false, mlp_bias = false;
  bool attention_bias = false, output_bias = false;  // of q, k, v; of the attention's output projection
  bool qk_norm = false;                              // RMS norms of each head of q and k before the rotation
  // Granite: factors of the embedded tokens, the queries (beyond 1/√head_dim), what a layer adds, and the logits.
  double embedding_scale = 1, query_scale = 1, residual_scale = 1, logits_scale = 1;
  RopeConfig rope;
  std::vector<TokenId> eos_ids;  // from config.json and generation_config.json, or the metadata
};

// Error names the file, the field and what was expected (architecture, hidden_act, head counts that do not divide, …).
[[nodiscard]] ModelConfig loadModelConfig(const std::filesystem::path& model);

}  // namespace kvatlas::capture
