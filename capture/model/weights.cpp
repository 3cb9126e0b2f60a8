#include "capture/model/weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/uniform.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "capture/model/memory_plan.h"
#include "core/base/error.h"
#include "core/base/host_memory.h"

namespace kvatlas::capture {
namespace {

class Loader {
 public:
  Loader(const WeightSource& source, at::ScalarType dtype, at::Device device, const WorkContext& work)
      : m_source(source), m_dtype(dtype), m_device(device), m_work(work) {}

  [[nodiscard]] at::Tensor vector(const std::string& name, std::int64_t size) const {
    return load(name, std::array{size});
  }
  [[nodiscard]] at::Tensor matrix(const std::string& name, std::int64_t rows, std::int64_t columns) const {
    return load(name, std::array{rows, columns});
  }
  [[nodiscard]] at::Tensor matrices(const std::string& name, std::int64_t count, std::int64_t rows,
                                    std::int64_t columns) const {
    return load(name, std::array{count, rows, columns});
  }
  [[nodiscard]] Linear linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias) const {
    return {matrix(name + ".weight", out, in), bias ? vector(name + ".bias", out) : at::Tensor(), {}};
  }

 private:
  [[nodiscard]] at::Tensor load(const std::string& name, std::span<const std::int64_t> shape) const {
    m_work.checkStop();
    return m_source.load(name, shape, m_dtype, m_device);
  }

  const WeightSource& m_source;
  at::ScalarType m_dtype;
  at::Device m_device;
  const WorkContext& m_work;
};

// As Transformers 4 and, by default, 5 write them: a matrix each; or as Transformers 5 holds them: all experts of a
// layer in one tensor, gate above up.
ExpertWeights loadExperts(const WeightSource& source, const Loader& load, const ModelConfig& config,
                          const std::string& layer) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size, count = config.experts;
  const std::string one_each = layer + "block_sparse_moe.", stacked = layer + "mlp.";
  ExpertWeights weights;
  if (source.has(stacked + "gate.weight")) {
    weights.router = load.linear(stacked + "gate", count, hidden, false);
    const at::Tensor gate_up = load.matrices(stacked + "experts.gate_up_proj", count, 2 * inner, hidden);
    const at::Tensor down = load.matrices(stacked + "experts.down_proj", count, hidden, inner);
    for (std::int64_t expert = 0; expert < count; ++expert)
      weights.experts.push_back({.gate = {gate_up[expert].narrow(0, 0, inner), {}, {}},
                                 .up = {gate_up[expert].narrow(0, inner, inner), {}, {}},
                                 .down = {down[expert], {}, {}}});
    return weights;
  }
  weights.router = load.linear(one_each + "gate", count, hidden, false);
  for (std::int64_t expert = 0; expert < count; ++expert) {
    const std::string name = fmt::format("{}experts.{}.", one_each, expert);
    weights.experts.push_back({.gate = load.linear(name + "w1", inner, hidden, false),
                               .up = load.linear(name + "w3", inner, hidden, false),
                               .down = load.linear(name + "w2", hidden, inner, false)});
  }
  return weights;
}

LayerWeights loadLayer(const WeightSource& source, const Loader& load, const ModelConfig& config, std::uint32_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t query = std::int64_t{config.query_heads} * config.head_dim;
  const std::int64_t key = std::int64_t{config.kv_heads} * config.head_dim;
  LayerWeights weights;
  weights.attention_norm = load.vector(prefix + "input_layernorm.weight", hidden);
  weights.query = load.linear(prefix + "self_attn.q_proj", query, hidden, config.attention_bias);
  weights.key = load.linear(prefix + "self_attn.k_proj", key, hidden, config.attention_bias);
  weights.value = load.linear(prefix + "self_attn.v_proj", key, hidden, config.attention_bias);
  weights.output = load.linear(prefix + "self_attn.o_proj", hidden, query, config.output_bias);
  if (config.qk_norm) {
    weights.query_norm = load.vector(prefix + "self_attn.q_norm.weight", config.head_dim);
    weights.key_norm = load.vector(prefix + "self_attn.k_norm.weight", config.head_dim);
  }
  weights.mlp_norm = load.vector(prefix + "post_attention_layernorm.weight", hidden);
  if (config.experts > 0) {
    weights.experts = loadExperts(source, load, config, prefix);
    return weights;
  }
  weights.mlp = {.gate = load.linear(prefix + "mlp.gate_proj", inner, hidden, config.mlp_bias),
                 .up = load.linear(prefix + "mlp.up_proj", inner, hidden, config.mlp_bias),
                 .down = load.linear(prefix + "mlp.down_proj", hidden, inner, config.mlp_bias)};
  return weights;
}

// Views into a mapped file take no memory: the system can drop them and read them again. Converted weights and packed
// copies do.
struct LayerBytes {
  std::uint64_t mapped = 0, owned = 0;
};

LayerBytes bytesOf(const LayerWeights& layer) {
  LayerBytes bytes;
  const auto add = [&](std::initializer_list<const Linear*> linears) {
    for (const Linear* linear : linears)
      if (linear->weight.defined())
        (linear->weight.storage().resizable() ? bytes.owned : bytes.mapped) += linear->weight.nbytes();
  };
  add({&layer.query, &layer.key, &layer.value, &layer.output});
  add({&layer.mlp.gate, &layer.mlp.up, &layer.mlp.down});
  for (const Mlp& expert : layer.experts.experts) add({&expert.gate, &expert.up, &expert.down});
  return bytes;
}

bool fitsMemory(std::uint64_t bytes) {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  return bytes <= pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 2;
}

// Whether all layers, alike the first one, are to be packed. Packed products differ in their last bits, so this depends
// on the machine, not on what else it runs.
bool packs(const LayerWeights& first, std::uint64_t layers, const LoadOptions& options) {
  return options.products == ProductPath::Packed && options.device.is_cpu() && packable(options.dtype) &&
         fitsMemory(layers * bytesOf(first).mapped);
}

// Error where the layers, alike the first one, do not fit beside what the run needs.
void requireRoom(const LayerWeights& first, bool packed, const ModelConfig& config, const LoadOptions& options) {
  const auto available = options.device.is_cpu() ? availableMemory() : std::nullopt;
  if (!available) return;
  const LayerBytes bytes = bytesOf(first);
  const std::uint64_t owned = config.layers * (bytes.owned + (packed ? bytes.mapped : 0));
  if (owned > 0 && owned + options.beside_weights > *available)
    fail("{}", missingWeightMemory(config, {.weights = owned, .beside = options.beside_weights, .free = *available},
                                   c10::elementSize(options.dtype)));
}

void packLayer(LayerWeights& layer) {
  layer.query_key_value = joined(std::array<const Linear*, 3>{&layer.query, &layer.key, &layer.value});
  layer.query = layer.key = layer.value = {};
  pack(layer.query_key_value);
  pack(layer.output);
  if (layer.mlp.gate.weight.defined()) pack(layer.mlp);
  if (layer.experts.router.weight.defined()) pack(layer.experts.router);
  for (Mlp& expert : layer.experts.experts) pack(expert);
}

// Lets go of the mapped pages of what was packed, under every name that loadLayer() knows.
void releaseLayer(const WeightSource& source, const ModelConfig& config, std::uint32_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  for (const char* name : {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight",
                           "self_attn.o_proj.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight",
                           "mlp.down_proj.weight", "mlp.experts.gate_up_proj", "mlp.experts.down_proj"})
    source.release(prefix + name);
  for (std::uint32_t expert = 0; expert < config.experts; ++expert)
    for (const char* matrix : {"w1", "w2", "w3"})
      source.release(fmt::format("{}block_sparse_moe.experts.{}.{}.weight", prefix, expert, matrix));
}

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kOutput = "lm_head.weight";

at::Tensor outputMatrix(const WeightSource& source, const Loader& load, const ModelConfig& config,
                        const at::Tensor& embedding, const WorkContext& work) {
  const auto stored = [&] { return load.matrix(kOutput, config.vocab_size, config.hidden_size); };
  if (!config.tied_output) return stored();
  if (!source.has(kOutput) || !source.has(kEmbedding)) return embedding;
  at::Tensor matrix = stored();
  if (at::equal(matrix, embedding)) return embedding;
  work.progress->warn(
      fmt::format("{}: tie_word_embeddings is true, but a {} that differs from the embedding is stored; the stored "
                  "matrix is used, as in Transformers 5 (Transformers 4 takes the embedding)",
                  config.name, kOutput));
  return matrix;
}

}  // namespace

Weights loadWeights(const WeightSource& source, const ModelConfig& config, const LoadOptions& options,
                    const WorkContext& work) {
  const Loader load(source, options.dtype, options.device, work);
  Weights weights;
  work.progress->begin("loading", config.layers);
  // Of two tied matrices a checkpoint may hold either.
  const bool by_output = config.tied_output && !source.has(kEmbedding) && source.has(kOutput);
  weights.embedding = load.matrix(by_output ? kOutput : kEmbedding, config.vocab_size, config.hidden_size);
  bool pack = false;
  for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
    const at::Device device = options.layer_devices.empty() ? options.device : options.layer_devices[layer];
    const Loader loader(source, options.dtype, device, work);
    weights.layers.push_back(loadLayer(source, loader, config, layer));
    if (layer == 0) {
      pack = packs(weights.layers[0], config.layers, options);
      requireRoom(weights.layers[0], pack, config, options);
    }
    if (pack) {
      packLayer(weights.layers.back());
      releaseLayer(source, config, layer);
    }
    work.progress->advance(layer + 1);
  }
  weights.final_norm = load.vector("model.norm.weight", config.hidden_size);
  weights.logits = outputMatrix(source, load, config, weights.embedding, work);
  work.progress->end();
  return weights;
}

Weights randomWeights(const ModelConfig& config, const LoadOptions& options) {
  const at::ScalarType dtype = options.dtype;
  const at::Device device = options.device;
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, at::Device where) {
    const double width = std::sqrt(3.0 / static_cast<double>(columns));
    return at::empty({rows, columns}, at::TensorOptions().dtype(dtype).device(where)).uniform_(-width, width);
  };
  const auto ones = [&](at::Device where) {
    return at::ones({config.hidden_size}, at::TensorOptions().dtype(dtype).device(where));
  };
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t query = std::int64_t{config.query_heads} * config.head_dim;
  const std::int64_t key = std::int64_t{config.kv_heads} * config.head_dim;
  Weights weights;
  weights.embedding = matrix(config.vocab_size, hidden, device);
  for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
    const at::Device where = options.layer_devices.empty() ? device : options.layer_devices[layer];
    weights.layers.push_back({.attention_norm = ones(where),
                              .mlp_norm = ones(where),
                              .query = {matrix(query, hidden, where), {}, {}},
                              .key = {matrix(key, hidden, where), {}, {}},
                              .value = {matrix(key, hidden, where), {}, {}},
                              .output = {matrix(hidden, query, where), {}, {}}});
    LayerWeights& made = weights.layers.back();
    const auto mlp = [&] {
      return Mlp{.gate = {matrix(inner, hidden, where), {}, {}},
                 .up = {matrix(inner, hidden, where), {}, {}},
                 .down = {matrix(hidden, inner, where), {}, {}}};
    };
    if (config.experts == 0) {
      made.mlp = mlp();
    } else {
      made.experts.router.weight = matrix(config.experts, hidden, where);
      for (std::uint32_t expert = 0; expert < config.experts; ++expert) made.experts.experts.push_back(mlp());
    }
    if (packs(made, config.layers, options)) packLayer(made);
  }
  weights.final_norm = ones(device);
  weights.logits = config.tied_output ? weights.embedding : matrix(config.vocab_size, hidden, device);
  return weights;
}

}  // namespace kvatlas::capture
