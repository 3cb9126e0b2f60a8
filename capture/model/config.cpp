#include "capture/model/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/model/gguf_config.h"
#include "capture/model/model_folder.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/gguf/model_file.h"

namespace kvatlas::capture {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostLayers = 1000;
constexpr std::uint64_t kMostWidth = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostVocabulary = std::uint64_t{1} << 24;
constexpr std::uint64_t kMostExperts = 4096;
constexpr std::uint64_t kMostPositions = std::uint64_t{1} << 32;

constexpr const char* kLlama = "LlamaForCausalLM";
constexpr const char* kMistral = "MistralForCausalLM";
constexpr const char* kMixtral = "MixtralForCausalLM";
constexpr const char* kGranite = "GraniteForCausalLM";
constexpr const char* kQwen2 = "Qwen2ForCausalLM";
constexpr const char* kQwen3 = "Qwen3ForCausalLM";

struct Family {
  const char *architecture, *bare, *type;  // with an output matrix, without, "model_type"
  std::uint64_t positions;                 // where config.json does not say, as its configuration class has it
  double theta = 10000.0;                  // the same
};
constexpr std::array<Family, 6> kFamilies{{{kLlama, "LlamaModel", "llama", 2048},
                                           {kMistral, "MistralModel", "mistral", 131072},
                                           {kMixtral, "MixtralModel", "mixtral", 131072, 1e6},
                                           {kGranite, "GraniteModel", "granite", 2048},
                                           {kQwen2, "Qwen2Model", "qwen2", 32768},
                                           {kQwen3, "Qwen3Model", "qwen3", 32768}}};

const Family& familyOf(const std::string& architecture) {
  return *std::ranges::find(kFamilies, architecture, &Family::architecture);
}

std::string readArchitecture(const JsonField& fields) {
  std::string expected, types;
  for (const Family& family : kFamilies) {
    expected += fmt::format("{}[\"{}\"]", expected.empty() ? "" : " or ", family.architecture);
    types += fmt::format("{}\"{}\"", types.empty() ? "" : " or ", family.type);
  }
  const nlohmann::json* list = fields.raw("architectures");
  if (list == nullptr) {
    const std::string type = fields.text("model_type", "");
    for (const Family& family : kFamilies)
      if (type == family.type) return family.architecture;
    fields.refuse(type.empty() ? "architectures" : "model_type", type.empty() ? expected : types);
  }
  if (!list->is_array() || list->size() != 1 || !(*list)[0].is_string()) fields.refuse("architectures", expected);
  const auto name = (*list)[0].get<std::string>();
  for (const Family& family : kFamilies)
    if (name == family.architecture || name == family.bare) return family.architecture;
  fields.refuse("architectures", expected);
}

void readShape(const JsonField& fields, ModelConfig& config) {
  const Family& family = familyOf(config.architecture);
  const auto width = [&](const char* field, std::optional<std::uint64_t> otherwise = {}) {
    return static_cast<std::uint32_t>(fields.integer(field, 1, kMostWidth, otherwise));
  };
  config.layers = static_cast<std::uint32_t>(fields.integer("num_hidden_layers", 1, kMostLayers));
  config.hidden_size = width("hidden_size");
  config.intermediate_size = width("intermediate_size");
  config.vocab_size = static_cast<std::uint32_t>(fields.integer("vocab_size", 1, kMostVocabulary));
  config.query_heads = width("num_attention_heads");
  config.kv_heads = width("num_key_value_heads", config.query_heads);
  if (config.query_heads % config.kv_heads != 0)
    fields.refuse("num_key_value_heads", fmt::format("a divisor of num_attention_heads = {}", config.query_heads));
  // Qwen3's own configuration class takes 128 where nothing is said.
  const bool fixed = config.architecture == kQwen3;
  if (!fixed && !fields.has("head_dim") && config.hidden_size % config.query_heads != 0)
    fields.refuse("num_attention_heads",
                  fmt::format("a divisor of hidden_size = {}, or a head_dim", config.hidden_size));
  config.head_dim = width("head_dim", fixed ? 128 : config.hidden_size / config.query_heads);
  if (config.head_dim % 2 != 0) fields.refuse("head_dim", fmt::format("an even number (here {})", config.head_dim));
  if (std::uint64_t{config.query_heads} * config.head_dim > kMostWidth)
    fields.refuse("num_attention_heads",
                  fmt::format("at most {} in the product with head_dim = {}", kMostWidth, config.head_dim));
  config.max_positions = fields.integer("max_position_embeddings", 1, kMostPositions, family.positions);
}

// Layers from max_window_layers on see a window only; here all layers have to be alike.
void readQwenWindow(const JsonField& fields, ModelConfig& config) {
  if (!fields.boolean("use_sliding_window", false)) return;
  const std::uint64_t window = fields.integer("sliding_window", 1, kMostPositions, 4096);
  const std::uint64_t full_layers = fields.integer("max_window_layers", 0, kMostPositions, 28);
  if (fields.has("layer_types")) {
    const nlohmann::json& types = fields.array("layer_types");
    const auto windowed = static_cast<std::size_t>(std::ranges::count(types, nlohmann::json("sliding_attention")));
    if (windowed != 0 && windowed != types.size()) fields.refuse("layer_types", "one kind of attention for all layers");
    if (windowed != 0) config.sliding_window = window;
    return;
  }
  if (full_layers >= config.layers) return;
  if (full_layers != 0)
    fields.refuse("max_window_layers", fmt::format("0 or at least the {} layers: all see alike", config.layers));
  config.sliding_window = window;
}

// Mistral's configuration class defaults a missing key to 4096; null means no window.
void readSlidingWindow(const JsonField& fields, const nlohmann::json& json, ModelConfig& config) {
  if (config.architecture == kQwen2 || config.architecture == kQwen3) return readQwenWindow(fields, config);
  if (config.architecture != kMistral && config.architecture != kMixtral) return;
  if (config.architecture == kMistral && !json.contains("sliding_window")) config.sliding_window = 4096;
  if (fields.has("sliding_window")) config.sliding_window = fields.integer("sliding_window", 1, kMostPositions);
}

RopeScaling scalingNamed(const JsonField& fields, const char* field) {
  const std::string name = fields.text(field, "default");
  if (name == "default") return RopeScaling::None;
  if (name == "linear") return RopeScaling::Linear;
  if (name == "dynamic") return RopeScaling::Dynamic;
  if (name == "llama3") return RopeScaling::Llama3;
  if (name == "yarn") return RopeScaling::Yarn;
  if (name == "longrope") return RopeScaling::LongRope;
  fields.refuse(field, "\"default\", \"linear\", \"dynamic\", \"llama3\", \"yarn\" or \"longrope\"");
}

// The length the factors were trained for stands beside them or, first, in the configuration itself.
void readOriginalPositions(const JsonField& fields, const JsonField& whole, ModelConfig& config) {
  const JsonField& holder = whole.has("original_max_position_embeddings") ? whole : fields;
  config.rope.original_positions =
      holder.integer("original_max_position_embeddings", 1, kMostPositions, config.max_positions);
}

double factorOf(const JsonField& fields, const ModelConfig& config) {
  return fields.positive(
      "factor", static_cast<double>(config.max_positions) / static_cast<double>(config.rope.original_positions));
}

// How much larger the logits of attention get for a stretch by `factor`, as its paper has it.
double yarnScale(double factor, double weight) {
  return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

void readYarn(const JsonField& fields, const JsonField& whole, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  readOriginalPositions(fields, whole, config);
  rope.factor = factorOf(fields, config);
  rope.beta_fast = fields.positive("beta_fast", 32.0);
  rope.beta_slow = fields.positive("beta_slow", 1.0);
  rope.truncate_range = fields.boolean("truncate", true);
  rope.attention_factor = yarnScale(rope.factor, 1);
  if (fields.has("mscale") && fields.has("mscale_all_dim")) {
    const double scale = fields.number("mscale", 0, 1e6), all = fields.number("mscale_all_dim", 0, 1e6);
    if (scale != 0 && all != 0) rope.attention_factor = yarnScale(rope.factor, scale) / yarnScale(rope.factor, all);
  }
  rope.attention_factor = fields.positive("attention_factor", rope.attention_factor);
}

std::vector<float> readFactors(const JsonField& fields, const char* field, std::uint32_t head_dim) {
  const nlohmann::json& list = fields.array(field);
  const std::string expected = fmt::format("{} finite numbers above 0, one per frequency", head_dim / 2);
  if (list.size() != head_dim / 2) fields.refuse(field, expected);
  std::vector<float> factors;
  for (const nlohmann::json& value : list) {
    if (!value.is_number() || !std::isfinite(value.get<float>()) || value.get<float>() <= 0)
      fields.refuse(field, expected);
    factors.push_back(value.get<float>());
  }
  return factors;
}

void readLongRope(const JsonField& fields, const JsonField& whole, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  readOriginalPositions(fields, whole, config);
  rope.short_factors = readFactors(fields, "short_factor", config.head_dim);
  rope.long_factors = readFactors(fields, "long_factor", config.head_dim);
  rope.factor = factorOf(fields, config);
  if (rope.factor > 1)
    rope.attention_factor =
        std::sqrt(1 + std::log(rope.factor) / std::log(static_cast<double>(rope.original_positions)));
  rope.attention_factor = fields.positive("attention_factor", rope.attention_factor);
}

void readScaling(const JsonField& fields, const JsonField& whole, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.theta = fields.positive("rope_theta", rope.theta);
  if (fields.positive("partial_rotary_factor", 1.0) != 1.0)
    fields.refuse("partial_rotary_factor", "1: every dimension is rotated");
  rope.scaling = scalingNamed(fields, fields.has("rope_type") ? "rope_type" : "type");
  if (rope.scaling == RopeScaling::None) return;
  if (rope.scaling == RopeScaling::Yarn) return readYarn(fields, whole, config);
  if (rope.scaling == RopeScaling::LongRope) return readLongRope(fields, whole, config);
  rope.factor = fields.positive("factor");
  if (rope.factor < 1) fields.refuse("factor", "a number of at least 1");
  if (rope.scaling == RopeScaling::Dynamic) {
    rope.original_positions = config.max_positions;
    if (config.head_dim < 4) fields.refuse("rope_type", "another scaling: dynamic needs a head_dim of at least 4");
  }
  if (rope.scaling != RopeScaling::Llama3) return;
  rope.low_freq_factor = fields.positive("low_freq_factor");
  rope.high_freq_factor = fields.positive("high_freq_factor");
  if (rope.high_freq_factor <= rope.low_freq_factor)
    fields.refuse("high_freq_factor", "a number above low_freq_factor");
  readOriginalPositions(fields, whole, config);
}

// Old form: rope_theta and rope_scaling; new form: both in rope_parameters. An old rope_scaling wins, as in
// Transformers.
void readRope(const JsonField& fields, ModelConfig& config) {
  config.rope.theta = fields.positive("rope_theta", familyOf(config.architecture).theta);
  if (fields.positive("partial_rotary_factor", 1.0) != 1.0)
    fields.refuse("partial_rotary_factor", "1: every dimension is rotated");
  for (const char* field : {"rope_scaling", "rope_parameters"}) {
    if (!fields.has(field) || (fields.raw(field)->is_object() && fields.raw(field)->empty())) continue;
    const JsonField scaling = fields.object(field);
    for (const auto& [key, value] : fields.raw(field)->items())
      if (value.is_object()) scaling.refuse(key.c_str(), "one set of parameters for every layer");
    return readScaling(scaling, fields, config);
  }
}

void readBiases(const JsonField& fields, ModelConfig& config) {
  const bool llama = config.architecture == kLlama || config.architecture == kGranite;
  config.qk_norm = config.architecture == kQwen3;
  config.output_bias = (llama || config.qk_norm) && fields.boolean("attention_bias", false);
  config.attention_bias = config.output_bias || config.architecture == kQwen2;
  config.mlp_bias = llama && fields.boolean("mlp_bias", false);
}

void readExperts(const JsonField& fields, ModelConfig& config) {
  if (config.architecture != kMixtral) return;
  // "num_experts" is what Transformers 5 calls it too.
  const char* field =
      fields.has("num_experts") && !fields.has("num_local_experts") ? "num_experts" : "num_local_experts";
  config.experts = static_cast<std::uint32_t>(fields.integer(field, 1, kMostExperts, 8));
  config.experts_per_token = static_cast<std::uint32_t>(fields.integer("num_experts_per_tok", 1, config.experts, 2));
}

// Of other families Transformers reads none of these: a config that has one means another model.
void readScales(const JsonField& fields, ModelConfig& config) {
  if (config.architecture != kGranite) {
    for (const char* field : {"attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling",
                              "attn_logit_softcapping", "final_logit_softcapping"})
      if (fields.has(field))
        fields.refuse(field, fmt::format("no such field: {} has no such step", config.architecture));
    return;
  }
  config.embedding_scale = fields.positive("embedding_multiplier", 1.0);
  config.query_scale = fields.positive("attention_multiplier", 1.0) * std::sqrt(static_cast<double>(config.head_dim));
  config.residual_scale = fields.positive("residual_multiplier", 1.0);
  config.logits_scale = 1 / fields.positive("logits_scaling", 1.0);
}

void readEos(const fs::path& file, const nlohmann::json& json, ModelConfig& config) {
  const JsonField fields(file, json);
  const nlohmann::json* value = fields.raw("eos_token_id");
  if (value == nullptr) return;
  const nlohmann::json list = value->is_array() ? *value : nlohmann::json::array({*value});
  for (const nlohmann::json& id : list) {
    if (!id.is_number_integer()) fields.refuse("eos_token_id", "a token id or a list of them");
    // Some exporters write -1 for "none", or ids beyond the vocabulary: the model never generates either.
    const bool generated = id.is_number_unsigned() && id.get<std::uint64_t>() < config.vocab_size;
    const auto token = generated ? id.get<TokenId>() : TokenId{0};
    if (generated && std::find(config.eos_ids.begin(), config.eos_ids.end(), token) == config.eos_ids.end())
      config.eos_ids.push_back(token);
  }
}

}  // namespace

ModelConfig loadModelConfig(const std::filesystem::path& model) {
  if (gguf::isModelFile(model)) return loadGgufConfig(model);
  const fs::path file = configFile(model);
  const nlohmann::json json = readJsonFile(file);
  const JsonField fields(file, json);

  ModelConfig config;
  config.name = modelName(model);
  config.architecture = readArchitecture(fields);
  if (fields.has("quantization_config"))
    fields.refuse("quantization_config", "no such field: only f32, f16 and bf16 weights are read");
  if (fields.text("hidden_act", "silu") != "silu") fields.refuse("hidden_act", "\"silu\"");
  readShape(fields, config);
  readSlidingWindow(fields, json, config);
  config.rms_norm_eps = fields.positive("rms_norm_eps", 1e-6);
  config.tied_output = fields.boolean("tie_word_embeddings", false);
  readBiases(fields, config);
  readExperts(fields, config);
  readScales(fields, config);
  readRope(fields, config);

  readEos(file, json, config);
  const fs::path generation = model / "generation_config.json";
  std::error_code code;
  if (fs::exists(generation, code)) readEos(generation, readJsonFile(generation), config);
  std::sort(config.eos_ids.begin(), config.eos_ids.end());
  return config;
}

}  // namespace kvatlas::capture
