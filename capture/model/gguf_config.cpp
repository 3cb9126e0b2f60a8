#include "capture/model/gguf_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "core/gguf/dequantise.h"
#include "core/gguf/model_file.h"

namespace kvatlas::capture {
namespace {

using gguf::Metadata;

constexpr std::uint64_t kMostLayers = 1000;
constexpr std::uint64_t kMostWidth = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostVocabulary = std::uint64_t{1} << 24;
constexpr std::uint64_t kMostPositions = std::uint64_t{1} << 32;

// Metadata under the name of the architecture: "llama.block_count".
class ArchitectureFields {
 public:
  ArchitectureFields(const gguf::ModelFile& file, std::string architecture)
      : m_file(file), m_architecture(std::move(architecture)) {}

  [[nodiscard]] std::string key(std::string_view name) const { return fmt::format("{}.{}", m_architecture, name); }
  [[nodiscard]] const Metadata& metadata() const { return m_file.metadata(); }
  [[nodiscard]] bool has(std::string_view name) const { return metadata().has(key(name)); }
  [[nodiscard]] std::uint64_t integer(std::string_view name, std::uint64_t most,
                                      std::optional<std::uint64_t> otherwise = {}) const {
    const std::string whole = key(name);
    if (metadata().isArray(whole)) metadata().refuse(whole, "one number for every layer, found an array");
    const auto value = metadata().integer(whole, 1, most);
    if (!value && !otherwise) metadata().refuse(whole, "a whole number, found nothing");
    return value ? *value : *otherwise;
  }
  [[nodiscard]] double positive(std::string_view name, std::optional<double> otherwise = {}) const {
    const auto value = metadata().number(key(name));
    if (!value && !otherwise) refuse(name, "a number, found nothing");
    if (value && *value <= 0) refuse(name, "a number above 0");
    return value ? *value : *otherwise;
  }
  [[noreturn]] void refuse(std::string_view name, const std::string& expected) const {
    metadata().refuse(key(name), expected);
  }

 private:
  const gguf::ModelFile& m_file;
  std::string m_architecture;
};

std::string readArchitecture(const Metadata& metadata) {
  if (const auto type = metadata.text("general.type"); type && *type != "model")
    metadata.refuse("general.type", fmt::format("'model', found '{}'", gguf::printable(*type)));
  const auto name = metadata.text("general.architecture");
  if (!name) metadata.refuse("general.architecture", "the name of an architecture, found nothing");
  if (*name != "llama")
    metadata.refuse("general.architecture", fmt::format("'llama', found '{}'", gguf::printable(*name)));
  return std::string(*name);
}

void refuseWhatIsNotRun(const ArchitectureFields& fields) {
  if (const auto experts = fields.metadata().integer(fields.key("expert_count"), 0, kMostWidth);
      experts && *experts > 0)
    fields.refuse("expert_count", fmt::format("0: mixtures of experts are not run (found {})", *experts));
  for (const char* name :
       {"attention.scale", "attention.clamp_kqv", "attention.logit_softcapping", "final_logit_softcapping",
        "attn_logit_softcapping", "logit_scale", "embedding_scale", "residual_scale"})
    if (const auto value = fields.metadata().number(fields.key(name)); value && *value != 0)
      fields.refuse(name, "no such key: the decoder has no such step");
}

void readShape(const gguf::ModelFile& file, const ArchitectureFields& fields, ModelConfig& config) {
  const auto width = [&](const char* name, std::optional<std::uint64_t> otherwise = {}) {
    return static_cast<std::uint32_t>(fields.integer(name, kMostWidth, otherwise));
  };
  config.layers = static_cast<std::uint32_t>(fields.integer("block_count", kMostLayers));
  config.hidden_size = width("embedding_length");
  config.intermediate_size = width("feed_forward_length");
  config.query_heads = width("attention.head_count");
  config.kv_heads = width("attention.head_count_kv", config.query_heads);
  if (config.query_heads % config.kv_heads != 0)
    fields.refuse("attention.head_count_kv", fmt::format("a divisor of head_count = {}", config.query_heads));
  const bool stated = fields.has("attention.key_length");
  if (!stated && config.hidden_size % config.query_heads != 0)
    fields.refuse("attention.head_count",
                  fmt::format("a divisor of embedding_length = {}, or a key_length", config.hidden_size));
  config.head_dim = width("attention.key_length", config.hidden_size / config.query_heads);
  if (config.head_dim % 2 != 0)
    fields.refuse("attention.key_length", fmt::format("an even number (here {})", config.head_dim));
  for (const char* name : {"attention.value_length", "rope.dimension_count"})
    if (width(name, config.head_dim) != config.head_dim)
      fields.refuse(name, fmt::format("{} as the length of keys, found {}", config.head_dim, width(name)));
  if (std::uint64_t{config.query_heads} * config.head_dim > kMostWidth)
    fields.refuse("attention.head_count",
                  fmt::format("at most {} in the product with the length of keys {}", kMostWidth, config.head_dim));
  config.max_positions = fields.integer("context_length", kMostPositions);
  const auto [embedding, part] = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    fail("{}: no tensor 'token_embd.weight' [vocabulary, embedding_length]", file.path().string());
  if (static_cast<std::uint64_t>(embedding->shape[0]) > kMostVocabulary)
    fail("{}: tensor 'token_embd.weight': {} rows; at most {} are read", file.path().string(), embedding->shape[0],
         kMostVocabulary);
  config.vocab_size = static_cast<std::uint32_t>(embedding->shape[0]);
}

// Llama 3.1 and later: what Transformers computes from rope_scaling stands in the file as one divisor per frequency.
void readRopeFactors(const gguf::ModelFile& file, ModelConfig& config) {
  const auto [factors, part] = file.find("rope_freqs.weight");
  if (factors == nullptr) return;
  if (factors->shape != std::vector<std::int64_t>{config.head_dim / 2} || factors->type != gguf::TensorType::F32)
    fail("{}: tensor 'rope_freqs.weight': expected {} values of type F32", part->metadata().path().string(),
         config.head_dim / 2);
  config.rope.frequency_factors.resize(config.head_dim / 2);
  gguf::dequantise(factors->type, factors->bytes, config.rope.frequency_factors);
  for (const float factor : config.rope.frequency_factors)
    if (!std::isfinite(factor) || factor <= 0)
      fail("{}: tensor 'rope_freqs.weight': expected finite numbers above 0", part->metadata().path().string());
}

void readRope(const gguf::ModelFile& file, const ArchitectureFields& fields, ModelConfig& config) {
  config.rope.theta = fields.positive("rope.freq_base", 10000.0);
  const std::string key = fields.key("rope.scaling.type");
  // Older files have the factor of linear scaling alone.
  const std::string type(fields.metadata().text(key).value_or(fields.has("rope.scale_linear") ? "linear" : "none"));
  if (file.find("rope_factors_long.weight").tensor != nullptr)
    fail("{}: tensor 'rope_factors_long.weight': LongRoPE scaling is not run", file.path().string());
  if (type == "none") return;
  if (type != "linear")
    fields.metadata().refuse(key, fmt::format("'none' or 'linear', found '{}'", gguf::printable(type)));
  config.rope.factor = fields.positive(fields.has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear");
  if (config.rope.factor != 1) config.rope.scaling = RopeScaling::Linear;
}

// Biases are there where their tensors are.
void readBiases(const gguf::ModelFile& file, ModelConfig& config) {
  const auto has = [&](const char* name) { return file.find(fmt::format("blk.0.{}.bias", name)).tensor != nullptr; };
  config.attention_bias = has("attn_q") || has("attn_k") || has("attn_v") || has("attn_output");
  config.mlp_bias = has("ffn_gate") || has("ffn_up") || has("ffn_down");
}

// A turn may end with a token of its own; all of them end a text.
void readEos(const Metadata& metadata, ModelConfig& config) {
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const auto id = metadata.integer(fmt::format("tokenizer.ggml.{}", name), 0, std::numeric_limits<TokenId>::max());
    if (id && *id < config.vocab_size && std::ranges::find(config.eos_ids, *id) == config.eos_ids.end())
      config.eos_ids.push_back(static_cast<TokenId>(*id));
  }
  std::ranges::sort(config.eos_ids);
}

}  // namespace

ModelConfig loadGgufConfig(const std::filesystem::path& path) {
  const gguf::ModelFile file(path);
  const ArchitectureFields fields(file, readArchitecture(file.metadata()));
  ModelConfig config;
  config.name = file.name();
  config.architecture = "LlamaForCausalLM";
  refuseWhatIsNotRun(fields);
  readShape(file, fields, config);
  if (fields.has("attention.sliding_window"))
    config.sliding_window =
        fields.metadata().integer(fields.key("attention.sliding_window"), 0, kMostPositions).value_or(0);
  config.rms_norm_eps = fields.positive("attention.layer_norm_rms_epsilon");
  config.tied_output = file.find("output.weight").tensor == nullptr;
  readBiases(file, config);
  readRope(file, fields, config);
  readRopeFactors(file, config);
  readEos(file.metadata(), config);
  return config;
}

}  // namespace kvatlas::capture
