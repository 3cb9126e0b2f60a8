// The configuration of a Llama or Mistral checkpoint: config.json of a folder or the metadata of a GGUF file; knows no
// weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::capture {

enum class RopeScaling { None, Linear, Dynamic, Llama3 };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::None;
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // Llama3
  std::uint64_t original_positions = 0;                  // Llama3, Dynamic
  std::vector<float> frequency_factors;                  // [head_dim/2] divisors of the frequencies (GGUF); empty: none
};

struct ModelConfig {
  std::string name;          // of the folder, or of the GGUF file
  std::string architecture;  // "LlamaForCausalLM" | "MistralForCausalLM"
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0, head_dim = 0;
  std::uint32_t hidden_size = 0, intermediate_size = 0, vocab_size = 0;
  std::uint64_t max_positions = 0;
  std::uint64_t sliding_window = 0;  // 0: none
  double rms_norm_eps = 1e-6;
  bool tied_output = false, attention_bias = false, mlp_bias = false;
  RopeConfig rope;
  std::vector<TokenId> eos_ids;  // from config.json and generation_config.json, or the metadata
};

// Error names the file, the field and what was expected (architecture, hidden_act, head counts that do not divide, …).
[[nodiscard]] ModelConfig loadModelConfig(const std::filesystem::path& model);

}  // namespace kvatlas::capture
