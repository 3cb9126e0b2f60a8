#include "core/text/llama_tokenizer.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// Transformers 5.24 gives these the tokenizer.json as it stands, whatever their tokenizer_class.
constexpr std::array<std::string_view, 5> kOtherModels{"mistral", "mixtral", "ministral", "qwen2", "phi3"};

json readObject(const fs::path& path) {
  return readJsonObjectIfThere(path).value_or(json::object());
}

std::string textOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Whether a component or one inside it has this type.
bool hasType(const json& component, std::string_view type) {
  if (component.is_array()) return std::ranges::any_of(component, [&](const json& one) { return hasType(one, type); });
  if (!component.is_object()) return false;
  if (textOf(component, "type") == type) return true;
  for (const char* list : {"normalizers", "pretokenizers", "decoders"})
    if (component.contains(list) && hasType(component[list], type)) return true;
  return false;
}

json memberOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? json() : *found;
}

}  // namespace

LlamaTokenizerRule llamaTokenizerRule(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  const json content = readObject(file);
  const JsonField config(file.string(), content);
  LlamaTokenizerRule rule;
  if (config.find("add_bos_token")) rule.add_bos = config.boolean("add_bos_token", true);
  if (config.find("add_eos_token")) rule.add_eos = config.boolean("add_eos_token", false);
  if (config.boolean("legacy", false)) rule.prefix = DummyPrefix::Always;
  if (!config.boolean("add_prefix_space", true)) rule.prefix = DummyPrefix::Never;
  const std::string family = textOf(content, "tokenizer_class");
  if (content.contains("auto_map") || (family != "LlamaTokenizer" && family != "LlamaTokenizerFast")) return rule;
  const std::string model = textOf(readObject(folder / "config.json"), "model_type");
  rule.rebuilt = std::ranges::find(kOtherModels, model) == kOtherModels.end();
  return rule;
}

std::string applyLlamaTokenizer(const fs::path& folder, json& tokenizer) {
  if (!tokenizer.is_object() || !memberOf(tokenizer, "model").is_object()) return {};
  json& model = tokenizer["model"];
  const json before = memberOf(tokenizer, "pre_tokenizer"), normalizer = memberOf(tokenizer, "normalizer");
  if (model.contains("type") && textOf(model, "type") != "BPE") return {};
  if (hasType(before, "ByteLevel") || hasType(memberOf(tokenizer, "decoder"), "ByteLevel")) return {};
  const LlamaTokenizerRule rule = llamaTokenizerRule(folder);
  if (!rule.rebuilt) return {};
  tokenizer["normalizer"] = nullptr;
  tokenizer["pre_tokenizer"] = metaspaceJson(rule.prefix);
  tokenizer["decoder"] = metaspaceDecoderJson(rule.prefix == DummyPrefix::Never ? 0 : 1);
  model["byte_fallback"] = model["fuse_unk"] = true;
  model["ignore_merges"] = false;
  model["unk_token"] = nullptr;
  const bool each =
      hasType(normalizer, "Prepend") || (hasType(before, "Metaspace") && textOf(before, "prepend_scheme") == "always");
  if (!each || rule.prefix != DummyPrefix::First) return {};
  return fmt::format(
      "{}: LlamaTokenizer sets no blank behind special tokens, as in Transformers 5; Transformers 4 sets one, as "
      "tokenizer.json says (\"legacy\": true does so in both)",
      folder.string());
}

}  // namespace kvatlas::text
