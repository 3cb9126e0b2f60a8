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
constexpr std::uint64_t kMostExperts = 4096;
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

// What the decoder of a GGUF architecture is called in config.json; nullptr: not run.
const char* decoderOf(std::string_view architecture) {
  if (architecture == "llama") return "LlamaForCausalLM";
  if (architecture == "granite") return "GraniteForCausalLM";
  if (architecture == "qwen2") return "Qwen2ForCausalLM";
  if (architecture == "qwen3") return "Qwen3ForCausalLM";
  return nullptr;
}

std::string readArchitecture(const Metadata& metadata) {
  if (const auto type = metadata.text("general.type"); type && *type != "model")
    metadata.refuse("general.type", fmt::format("'model', found '{}'", gguf::printable(*type)));
  const auto name = metadata.text("general.architecture");
  if (!name) metadata.refuse("general.architecture", "the name of an architecture, found nothing");
  if (decoderOf(*name) == nullptr)
    metadata.refuse("general.architecture",
                    fmt::format("'llama', 'granite', 'qwen2' or 'qwen3', found '{}'", gguf::printable(*name)));
  return std::string(*name);
}

// Llama with experts is Mixtral: a softmax over the chosen ones, without shared experts.
void readExperts(const ArchitectureFields& fields, ModelConfig& config) {
  const auto experts = fields.metadata().integer(fields.key("expert_count"), 0, kMostExperts).value_or(0);
  if (experts == 0) return;
  if (config.architecture != "LlamaForCausalLM")
    fields.refuse("expert_count", fmt::format("0: the experts of Mixtral alone are run (found {})", experts));
  config.architecture = "MixtralForCausalLM";
  config.experts = static_cast<std::uint32_t>(experts);
  config.experts_per_token = static_cast<std::uint32_t>(fields.integer("expert_used_count", experts));
}

void readScales(const ArchitectureFields& fields, ModelConfig& config) {
  config.embedding_scale = fields.positive("embedding_scale", 1.0);
  const double usual = 1 / std::sqrt(static_cast<double>(config.head_dim));
  config.query_scale = fields.positive("attention.scale", usual) / usual;
  config.residual_scale = fields.positive("residual_scale", 1.0);
  config.logits_scale = 1 / fields.positive("logit_scale", 1.0);
}

void refuseWhatIsNotRun(const ArchitectureFields& fields, bool granite) {
  const auto refuse = [&](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (const auto value = fields.metadata().number(fields.key(name)); value && *value != 0)
        fields.refuse(name, "no such key: the decoder has no such step");
  };
  refuse({"attention.clamp_kqv", "attention.logit_softcapping", "final_logit_softcapping", "attn_logit_softcapping",
          "expert_shared_count", "expert_weights_scale", "expert_gating_func"});
  if (!granite) refuse({"attention.scale", "logit_scale", "embedding_scale", "residual_scale"});
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

std::vector<float> readFactors(const gguf::ModelFile& file, const char* name, std::uint32_t head_dim) {
  const auto [stored, part] = file.find(name);
  if (stored == nullptr) fail("{}: no tensor '{}'", file.path().string(), name);
  const std::string path = part->metadata().path().string();
  if (stored->shape != std::vector<std::int64_t>{head_dim / 2} || stored->type != gguf::TensorType::F32)
    fail("{}: tensor '{}': expected {} values of type F32", path, name, head_dim / 2);
  std::vector<float> factors(head_dim / 2);
  gguf::dequantise(stored->type, stored->bytes, factors);
  for (const float factor : factors)
    if (!std::isfinite(factor) || factor <= 0) fail("{}: tensor '{}': expected finite numbers above 0", path, name);
  return factors;
}

// Llama 3.1 and later: what Transformers computes from rope_scaling stands in the file as one divisor per frequency.
void readRopeFactors(const gguf::ModelFile& file, ModelConfig& config) {
  constexpr const char* name = "rope_freqs.weight";
  if (file.find(name).tensor != nullptr) config.rope.frequency_factors = readFactors(file, name, config.head_dim);
}

// The factor of the cosines stands in the file; without it there is none.
void readLongRope(const gguf::ModelFile& file, const ArchitectureFields& fields, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.scaling = RopeScaling::LongRope;
  rope.long_factors = readFactors(file, "rope_factors_long.weight", config.head_dim);
  rope.short_factors = readFactors(file, "rope_factors_short.weight", config.head_dim);
  rope.original_positions =
      fields.integer("rope.scaling.original_context_length", kMostPositions, config.max_positions);
  rope.attention_factor = fields.positive("rope.scaling.attn_factor", 1.0);
}

// The factor of the cosines is the paper's own.
void readYarn(const ArchitectureFields& fields, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.scaling = RopeScaling::Yarn;
  rope.factor = fields.positive("rope.scaling.factor");
  rope.original_positions =
      fields.integer("rope.scaling.original_context_length", kMostPositions, config.max_positions);
  rope.attention_factor = rope.factor <= 1 ? 1.0 : 0.1 * std::log(rope.factor) + 1.0;
  for (const char* name : {"rope.scaling.attn_factor", "rope.scaling.yarn_log_multiplier"})
    if (fields.has(name)) fields.refuse(name, "no such key: only the factor YaRN's paper has is run");
  rope.beta_fast = fields.positive("rope.scaling.yarn_beta_fast", 32.0);
  rope.beta_slow = fields.positive("rope.scaling.yarn_beta_slow", 1.0);
}

void readRope(const gguf::ModelFile& file, const ArchitectureFields& fields, ModelConfig& config) {
  config.rope.theta = fields.positive("rope.freq_base", 10000.0);
  const std::string key = fields.key("rope.scaling.type");
  if (file.find("rope_factors_long.weight").tensor != nullptr) return readLongRope(file, fields, config);
  // Older files have the factor of linear scaling alone.
  const std::string type(fields.metadata().text(key).value_or(fields.has("rope.scale_linear") ? "linear" : "none"));
  if (type == "none") return;
  if (type == "yarn") return readYarn(fields, config);
  if (type != "linear")
    fields.metadata().refuse(key, fmt::format("'none', 'linear' or 'yarn', found '{}'", gguf::printable(type)));
  config.rope.factor = fields.positive(fields.has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear");
  if (config.rope.factor != 1) config.rope.scaling = RopeScaling::Linear;
}

// Biases are there where their tensors are.
void readBiases(const gguf::ModelFile& file, ModelConfig& config) {
  const auto has = [&](const char* name) { return file.find(fmt::format("blk.0.{}.bias", name)).tensor != nullptr; };
  config.attention_bias = has("attn_q") || has("attn_k") || has("attn_v");
  config.output_bias = has("attn_output");
  config.qk_norm = config.architecture == "Qwen3ForCausalLM";
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
  const std::string architecture = readArchitecture(file.metadata());
  const ArchitectureFields fields(file, architecture);
  ModelConfig config;
  config.name = file.name();
  config.architecture = decoderOf(architecture);
  const bool granite = architecture == "granite";
  refuseWhatIsNotRun(fields, granite);
  readExperts(fields, config);
  readShape(file, fields, config);
  if (fields.has("attention.sliding_window"))
    config.sliding_window =
        fields.metadata().integer(fields.key("attention.sliding_window"), 0, kMostPositions).value_or(0);
  config.rms_norm_eps = fields.positive("attention.layer_norm_rms_epsilon");
  config.tied_output = file.find("output.weight").tensor == nullptr;
  if (granite) readScales(fields, config);
  readBiases(file, config);
  readRope(file, fields, config);
  readRopeFactors(file, config);
  readEos(file.metadata(), config);
  return config;
}

}  // namespace kvatlas::capture
