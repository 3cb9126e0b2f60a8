#include "app/cli/bench/random_model.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"

namespace kvatlas::app {
namespace {

constexpr std::array kShapes{
    ModelShape{"tiny", "the bundled model's shape", 6, 192, 512, 6, 3, 32, 1024},
    ModelShape{"six-layer", "6 layers, 8 heads of 64", 6, 512, 1376, 8, 8, 64, 32000},
    ModelShape{"1b", "1.1 billion weights, 22 layers, 32 heads of 64, 4 KV heads", 22, 2048, 5632, 32, 4, 64, 32000}};

struct Tensor {
  std::string name;
  std::vector<std::uint64_t> dims;
  [[nodiscard]] std::uint64_t count() const { return dims.size() == 1 ? dims[0] : dims[0] * dims[1]; }
};

std::vector<Tensor> tensorsOf(const ModelShape& s) {
  std::vector<Tensor> all{{"model.embed_tokens.weight", {s.vocabulary, s.hidden}}, {"model.norm.weight", {s.hidden}}};
  const std::uint64_t query = std::uint64_t{s.query_heads} * s.head_dim, key = std::uint64_t{s.kv_heads} * s.head_dim;
  for (std::uint32_t layer = 0; layer < s.layers; ++layer) {
    const auto add = [&](const char* name, std::vector<std::uint64_t> dims) {
      all.push_back({fmt::format("model.layers.{}.{}.weight", layer, name), std::move(dims)});
    };
    add("input_layernorm", {s.hidden});
    add("post_attention_layernorm", {s.hidden});
    add("self_attn.q_proj", {query, s.hidden});
    add("self_attn.k_proj", {key, s.hidden});
    add("self_attn.v_proj", {key, s.hidden});
    add("self_attn.o_proj", {s.hidden, query});
    add("mlp.gate_proj", {s.intermediate, s.hidden});
    add("mlp.up_proj", {s.intermediate, s.hidden});
    add("mlp.down_proj", {s.hidden, s.intermediate});
  }
  return all;
}

std::string headerOf(const std::vector<Tensor>& tensors) {
  nlohmann::ordered_json header;
  std::uint64_t at = 0;
  for (const Tensor& tensor : tensors) {
    const std::uint64_t end = at + tensor.count() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.dims}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

// Uniform with the variance that keeps a layer's output as large as its input.
class Weights {
 public:
  void fill(const Tensor& tensor, std::vector<float>& values) {
    values.resize(tensor.count());
    const bool norm = tensor.dims.size() == 1;
    const float width = norm ? 0.0F : std::sqrt(12.0F / static_cast<float>(tensor.dims[1]));
    for (float& value : values) value = norm ? 1.0F : (next() - 0.5F) * width;
  }

 private:
  float next() {
    m_state ^= m_state << 13U;
    m_state ^= m_state >> 7U;
    m_state ^= m_state << 17U;
    return static_cast<float>(m_state >> 40U) * 0x1p-24F;
  }
  std::uint64_t m_state = 88172645463325252ULL;
};

nlohmann::json configOf(const ModelShape& s) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", s.hidden},
          {"intermediate_size", s.intermediate},
          {"num_hidden_layers", s.layers},
          {"num_attention_heads", s.query_heads},
          {"num_key_value_heads", s.kv_heads},
          {"head_dim", s.head_dim},
          {"vocab_size", s.vocabulary},
          {"max_position_embeddings", 1U << 20U},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", true},
          {"hidden_act", "silu"},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"bos_token_id", 0},
          {"eos_token_id", 1},
          {"torch_dtype", "float32"}};
}

}  // namespace

const ModelShape& modelShape(const std::string& name) {
  std::vector<std::string> known;
  for (const ModelShape& shape : kShapes) {
    if (name == shape.name) return shape;
    known.emplace_back(shape.name);
  }
  failUsage("--shape {}: unknown{}", name, suggestion(name, known));
}

void writeRandomModel(const ModelShape& shape, const std::filesystem::path& folder) {
  writeFileAtomically(folder / "config.json", configOf(shape).dump(1));
  const std::filesystem::path path = folder / "model.safetensors";
  std::ofstream out(path, std::ios::binary);
  const std::vector<Tensor> tensors = tensorsOf(shape);
  const std::string header = headerOf(tensors);
  const std::uint64_t length = header.size();
  const auto write = [&](const void* bytes, std::size_t count) {
    out.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
  };
  write(&length, sizeof length);
  write(header.data(), header.size());
  Weights weights;
  std::vector<float> values;
  for (const Tensor& tensor : tensors) {
    weights.fill(tensor, values);
    write(values.data(), values.size() * sizeof(float));
  }
  if (!out.flush()) throw Error(systemMessage(path.string(), errno));
}

}  // namespace kvatlas::app
