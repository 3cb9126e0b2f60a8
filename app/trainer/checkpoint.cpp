#include "app/trainer/checkpoint.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <nlohmann/json.hpp>

#include "app/trainer/safetensors_writer.h"
#include "capture/model/safetensors.h"
#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::trainer {
namespace {

constexpr const char* kFile = "checkpoint.safetensors";

std::vector<std::pair<std::string, at::Tensor*>> allTensors(Parameters& parameters, Optimiser& optimiser) {
  auto tensors = parameters.all();
  for (auto& entry : optimiser.state()) tensors.push_back(entry);
  return tensors;
}

void copyInto(at::Tensor& target, const capture::StoredTensor& stored, const std::string& where) {
  if ((stored.dtype != "F32" && stored.dtype != "BF16") || at::IntArrayRef(stored.shape) != target.sizes())
    fail("{}: its shape or type differs from the recipe's", where);
  const at::Tensor source = at::from_blob(const_cast<std::byte*>(stored.bytes.data()), stored.shape,
                                          stored.dtype == "F32" ? at::kFloat : at::kBFloat16);
  target.copy_(source);
}

std::map<std::string, std::string> metadataOf(const capture::SafetensorsFile& file) {
  const auto bytes = file.header().subspan(8);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  return nlohmann::json::parse(text, text + bytes.size()).at("__metadata__").get<std::map<std::string, std::string>>();
}

nlohmann::ordered_json configJson(const ModelShape& shape) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"hidden_size", shape.hidden},
          {"intermediate_size", shape.intermediate},
          {"num_hidden_layers", shape.layers},
          {"num_attention_heads", shape.query_heads},
          {"num_key_value_heads", shape.kv_heads},
          {"head_dim", shape.head_dim},
          {"vocab_size", shape.vocabulary},
          {"max_position_embeddings", shape.positions},
          {"rms_norm_eps", shape.norm_eps},
          {"rope_theta", shape.rope_theta},
          {"rope_scaling", nullptr},
          {"tie_word_embeddings", true},
          {"hidden_act", "silu"},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"bos_token_id", 0},
          {"eos_token_id", 1},
          {"pad_token_id", 2},
          {"initializer_range", 0.02},
          {"torch_dtype", "bfloat16"},
          {"use_cache", true}};
}

// Views of the parameters under their Hugging Face names, in the order of the file.
std::vector<std::pair<std::string, at::Tensor>> namedTensors(const ModelShape& shape, Parameters& parameters) {
  std::vector<std::pair<std::string, at::Tensor>> tensors{{"model.embed_tokens.weight", parameters.embedding}};
  const std::vector<std::pair<std::string, at::Tensor>> stacked{{"input_layernorm", parameters.attention_norm},
                                                                {"post_attention_layernorm", parameters.mlp_norm},
                                                                {"self_attn.q_proj", parameters.query},
                                                                {"self_attn.k_proj", parameters.key},
                                                                {"self_attn.v_proj", parameters.value},
                                                                {"self_attn.o_proj", parameters.output},
                                                                {"mlp.gate_proj", parameters.gate},
                                                                {"mlp.up_proj", parameters.up},
                                                                {"mlp.down_proj", parameters.down}};
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    for (const auto& [name, tensor] : stacked)
      tensors.emplace_back(fmt::format("model.layers.{}.{}.weight", layer, name), tensor[layer]);
  tensors.emplace_back("model.norm.weight", parameters.final_norm);
  return tensors;
}

}  // namespace

void saveCheckpoint(const std::filesystem::path& folder, Parameters& parameters, Optimiser& optimiser,
                    const Resumed& at, const std::string& fingerprint) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : allTensors(parameters, optimiser)) tensors.emplace_back(name, *tensor);
  writeSafetensors(folder / kFile, tensors,
                   {{"step", std::to_string(at.step)},
                    {"tokens", std::to_string(at.tokens)},
                    {"seconds", std::to_string(at.seconds)},
                    {"running", nlohmann::json(at.running).dump()},
                    {"fingerprint", fingerprint}});
}

std::optional<Resumed> loadCheckpoint(const std::filesystem::path& folder, Parameters& parameters, Optimiser& optimiser,
                                      const std::string& fingerprint, bool accept_other) {
  const std::filesystem::path path = folder / kFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const capture::SafetensorsFile file(path);
  Resumed resumed;
  try {
    const auto metadata = metadataOf(file);
    if (metadata.at("fingerprint") != fingerprint && !accept_other)
      fail("{}: made with another recipe or other texts; choose another folder, or give --change-recipe",
           path.string());
    resumed = {std::stoull(metadata.at("step")), std::stoull(metadata.at("tokens")), std::stod(metadata.at("seconds")),
               nlohmann::json::parse(metadata.at("running")).get<std::vector<double>>()};
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    fail("{}: no checkpoint of kvatlas-train (its metadata lack step, tokens, seconds, running or fingerprint)",
         path.string());
  }
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : allTensors(parameters, optimiser)) {
    const capture::StoredTensor* stored = file.find(name);
    if (stored == nullptr) fail("{}: tensor {} is missing", path.string(), name);
    copyInto(*tensor, *stored, path.string() + ": " + name);
  }
  return resumed;
}

void writeModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const auto& [name, tensor] : namedTensors(shape, parameters))
    tensors.emplace_back(name, tensor.detach().to(at::kBFloat16));
  writeSafetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  writeFileAtomically(folder / "config.json", configJson(shape).dump(2) + "\n");
}

void readModel(const std::filesystem::path& folder, const ModelShape& shape, Parameters& parameters) {
  const std::filesystem::path path = folder / "model.safetensors";
  const capture::SafetensorsFile file(path);
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : namedTensors(shape, parameters)) {
    const capture::StoredTensor* stored = file.find(name);
    if (stored == nullptr) fail("{}: tensor {} is missing", path.string(), name);
    copyInto(tensor, *stored, path.string() + ": " + name);
  }
}

}  // namespace kvatlas::trainer
