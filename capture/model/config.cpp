#include "capture/model/config.h"

#include <algorithm>

#include "capture/model/gguf_config.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_fields.h"
#include "core/gguf/model_file.h"

namespace kvatlas::capture {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostLayers = 1000;
constexpr std::uint64_t kMostWidth = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostVocabulary = std::uint64_t{1} << 24;
constexpr std::uint64_t kMostPositions = std::uint64_t{1} << 32;

constexpr const char* kLlama = "LlamaForCausalLM";
constexpr const char* kMistral = "MistralForCausalLM";

// A folder with GGUF files alone: what to say instead.
std::string ggufHint(const fs::path& folder) {
  std::error_code code;
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder, code))
    if (entry.path().extension() == ".gguf") files.push_back(entry.path().filename().string());
  if (files.empty()) return {};
  return fmt::format("; it holds '{}': name the file itself", *std::ranges::min_element(files));
}

fs::path requireConfigFile(const fs::path& folder) {
  std::error_code code;
  if (!fs::exists(folder, code)) fail("{}: no such model folder", folder.string());
  if (!fs::is_directory(folder, code))
    fail("{}: expected a checkpoint folder with config.json, or a GGUF file", folder.string());
  fs::path file = folder / "config.json";
  if (!fs::exists(file, code))
    fail("{}: no config.json in it; expected a Hugging Face checkpoint folder{}", folder.string(), ggufHint(folder));
  if (!fs::is_regular_file(file, code)) fail("{}: not a regular file", file.string());
  return file;
}

std::string readArchitecture(const JsonFields& fields) {
  const std::string expected = std::string("[\"") + kLlama + "\"] or [\"" + kMistral + "\"]";
  const nlohmann::json* list = fields.find("architectures");
  if (list == nullptr) {
    const std::string type = fields.text("model_type", "");
    if (type == "llama") return kLlama;
    if (type == "mistral") return kMistral;
    fields.refuse(type.empty() ? "architectures" : "model_type", type.empty() ? expected : "\"llama\" or \"mistral\"");
  }
  if (!list->is_array() || list->size() != 1 || !(*list)[0].is_string()) fields.refuse("architectures", expected);
  const auto name = (*list)[0].get<std::string>();
  if (name != kLlama && name != kMistral) fields.refuse("architectures", expected);
  return name;
}

void readShape(const JsonFields& fields, ModelConfig& config) {
  const bool mistral = config.architecture == kMistral;
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
  if (!fields.has("head_dim") && config.hidden_size % config.query_heads != 0)
    fields.refuse("num_attention_heads",
                  fmt::format("a divisor of hidden_size = {}, or a head_dim", config.hidden_size));
  config.head_dim = width("head_dim", config.hidden_size / config.query_heads);
  if (config.head_dim % 2 != 0) fields.refuse("head_dim", fmt::format("an even number (here {})", config.head_dim));
  if (std::uint64_t{config.query_heads} * config.head_dim > kMostWidth)
    fields.refuse("num_attention_heads",
                  fmt::format("at most {} in the product with head_dim = {}", kMostWidth, config.head_dim));
  config.max_positions = fields.integer("max_position_embeddings", 1, kMostPositions, mistral ? 131072 : 2048);
}

// The missing key means 4096 to Mistral's own configuration class; null means none.
void readSlidingWindow(const JsonFields& fields, const nlohmann::json& json, ModelConfig& config) {
  if (config.architecture != kMistral) return;
  if (!json.contains("sliding_window")) config.sliding_window = 4096;
  if (fields.has("sliding_window")) config.sliding_window = fields.integer("sliding_window", 1, kMostPositions);
}

RopeScaling scalingNamed(const JsonFields& fields, const char* field) {
  const std::string name = fields.text(field, "default");
  if (name == "default") return RopeScaling::None;
  if (name == "linear") return RopeScaling::Linear;
  if (name == "dynamic") return RopeScaling::Dynamic;
  if (name == "llama3") return RopeScaling::Llama3;
  fields.refuse(field, "\"default\", \"linear\", \"dynamic\" or \"llama3\"");
}

void readScaling(const JsonFields& fields, const JsonFields& whole, ModelConfig& config) {
  RopeConfig& rope = config.rope;
  rope.theta = fields.positive("rope_theta", rope.theta);
  if (fields.positive("partial_rotary_factor", 1.0) != 1.0)
    fields.refuse("partial_rotary_factor", "1: every dimension is rotated");
  rope.scaling = scalingNamed(fields, fields.has("rope_type") ? "rope_type" : "type");
  if (rope.scaling == RopeScaling::None) return;
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
  const JsonFields& holder = whole.has("original_max_position_embeddings") ? whole : fields;
  rope.original_positions = holder.integer("original_max_position_embeddings", 1, kMostPositions, config.max_positions);
}

// Classic: rope_theta and rope_scaling beside it; newer: both in rope_parameters. A classic rope_scaling wins, as in
// Transformers.
void readRope(const JsonFields& fields, ModelConfig& config) {
  config.rope.theta = fields.positive("rope_theta", 10000.0);
  if (fields.positive("partial_rotary_factor", 1.0) != 1.0)
    fields.refuse("partial_rotary_factor", "1: every dimension is rotated");
  for (const char* field : {"rope_scaling", "rope_parameters"}) {
    if (!fields.has(field) || (fields.find(field)->is_object() && fields.find(field)->empty())) continue;
    const JsonFields scaling = fields.object(field);
    for (const auto& [key, value] : fields.find(field)->items())
      if (value.is_object()) scaling.refuse(key.c_str(), "one set of parameters for every layer");
    return readScaling(scaling, fields, config);
  }
}

void readEos(const fs::path& file, const nlohmann::json& json, ModelConfig& config) {
  const JsonFields fields(file, json);
  const nlohmann::json* value = fields.find("eos_token_id");
  if (value == nullptr) return;
  const nlohmann::json list = value->is_array() ? *value : nlohmann::json::array({*value});
  for (const nlohmann::json& id : list) {
    if (!id.is_number_integer()) fields.refuse("eos_token_id", "a token id or a list of them");
    // Some exporters write -1 for "none", and ids that padding the vocabulary removed: neither can ever be generated.
    const bool generated = id.is_number_unsigned() && id.get<std::uint64_t>() < config.vocab_size;
    const auto token = generated ? id.get<TokenId>() : TokenId{0};
    if (generated && std::find(config.eos_ids.begin(), config.eos_ids.end(), token) == config.eos_ids.end())
      config.eos_ids.push_back(token);
  }
}

std::string folderName(const fs::path& folder) {
  std::error_code code;
  const fs::path whole = fs::weakly_canonical(folder, code);
  const fs::path& path = code ? folder : whole;
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

}  // namespace

ModelConfig loadModelConfig(const std::filesystem::path& model) {
  if (gguf::isModelFile(model)) return loadGgufConfig(model);
  const fs::path file = requireConfigFile(model);
  const nlohmann::json json = readJsonFile(file);
  const JsonFields fields(file, json);

  ModelConfig config;
  config.name = folderName(model);
  config.architecture = readArchitecture(fields);
  if (fields.has("quantization_config"))
    fields.refuse("quantization_config", "no such field: only f32, f16 and bf16 weights are read");
  if (fields.text("hidden_act", "silu") != "silu") fields.refuse("hidden_act", "\"silu\"");
  readShape(fields, config);
  readSlidingWindow(fields, json, config);
  config.rms_norm_eps = fields.positive("rms_norm_eps", 1e-6);
  config.tied_output = fields.boolean("tie_word_embeddings", false);
  if (config.architecture == kLlama) {
    config.attention_bias = fields.boolean("attention_bias", false);
    config.mlp_bias = fields.boolean("mlp_bias", false);
  }
  readRope(fields, config);

  readEos(file, json, config);
  const fs::path generation = model / "generation_config.json";
  std::error_code code;
  if (fs::exists(generation, code)) readEos(generation, readJsonFile(generation), config);
  std::sort(config.eos_ids.begin(), config.eos_ids.end());
  return config;
}

}  // namespace kvatlas::capture
