#include "app/cli/bench/shape_config.h"

namespace kvatlas::app {

capture::ModelConfig configOf(const ModelShape& shape) {
  capture::ModelConfig config;
  config.name = shape.description;
  config.architecture = "LlamaForCausalLM";
  config.max_positions = std::uint64_t{1} << 20U;
  config.layers = shape.layers;
  config.query_heads = shape.query_heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = shape.head_dim;
  config.hidden_size = shape.hidden;
  config.intermediate_size = shape.intermediate;
  config.vocab_size = shape.vocabulary;
  return config;
}

}  // namespace kvatlas::app
