#include "core/text/chat_template.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_field.h"
#include "core/gguf/model_file.h"
#include "core/text/gguf_tokenizer.h"
#include "core/text/template/template.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 24;
constexpr std::array<const char*, 7> kTokenNames{"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};

// The template called "default" of [{name, template}, …].
std::string namedDefault(const JsonField& list) {
  std::vector<std::string> names;
  for (const JsonField& entry : list.elements()) {
    if (entry.at("name").asString() == "default") return entry.at("template").asString();
    names.push_back(entry.at("name").asString());
  }
  fail("{}: no template is called 'default', only {}", list.where(), fmt::join(names, ", "));
}

std::optional<std::string> templateOf(const json& config, const fs::path& path) {
  const auto field = JsonField(path.string(), config).find("chat_template");
  if (!field) return std::nullopt;
  return field->value().is_array() ? namedDefault(*field) : field->asString();
}

// Templates of other names beside no chat_template.jinja: Transformers has no default then.
void refuseAdditionalAlone(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder / "additional_chat_templates", code))
    if (entry.path().extension() == ".jinja") names.push_back(entry.path().stem().string());
  if (names.empty()) return;
  std::ranges::sort(names);
  fail("{}: there is no chat_template.jinja, only {}", (folder / "additional_chat_templates").string(),
       fmt::join(names, ", "));
}

// A token as it is written: "<s>", or {"content": "<s>", …}.
void takeToken(const JsonField& config, const char* name, nlohmann::ordered_json& tokens) {
  const auto field = config.find(name);
  if (!field) return;
  tokens[name] = field->value().is_object() ? field->at("content").asString() : field->asString();
}

// What a tokenizer class of Transformers takes where its configuration does not say.
void addDefaults(const json& config, nlohmann::ordered_json& tokens) {
  struct Default {
    std::string_view family;
    const char *name, *token;
  };
  static constexpr std::array<Default, 9> kDefaults{{{"LlamaTokenizer", "bos_token", "<s>"},
                                                     {"LlamaTokenizer", "eos_token", "</s>"},
                                                     {"LlamaTokenizer", "unk_token", "<unk>"},
                                                     {"GPT2Tokenizer", "bos_token", "<|endoftext|>"},
                                                     {"GPT2Tokenizer", "eos_token", "<|endoftext|>"},
                                                     {"GPT2Tokenizer", "unk_token", "<|endoftext|>"},
                                                     {"Qwen2Tokenizer", "eos_token", "<|endoftext|>"},
                                                     {"Qwen2Tokenizer", "unk_token", "<|endoftext|>"},
                                                     {"Qwen2Tokenizer", "pad_token", "<|endoftext|>"}}};
  const auto found = config.find("tokenizer_class");
  if (found == config.end() || !found->is_string()) return;
  for (const Default& entry : kDefaults)
    if (found->get<std::string>().starts_with(entry.family) && !config.contains(entry.name))
      tokens[entry.name] = entry.token;
}

nlohmann::ordered_json specialTokens(const fs::path& folder, const std::optional<json>& config) {
  nlohmann::ordered_json tokens = nlohmann::ordered_json::object();
  const json none = json::object();
  const json& named = config ? *config : none;
  addDefaults(named, tokens);
  const JsonField field((folder / "tokenizer_config.json").string(), named);
  for (const char* name : kTokenNames) takeToken(field, name, tokens);
  if (named.contains("added_tokens_decoder")) return tokens;
  const fs::path older = folder / "special_tokens_map.json";
  if (const auto map = readJsonObjectIfThere(older))
    for (const char* name : kTokenNames) takeToken(JsonField(older.string(), *map), name, tokens);
  return tokens;
}

// The template and the tokens in the metadata of a GGUF model.
std::optional<ChatTemplate> templateInGguf(const fs::path& path) {
  const gguf::ModelFile file(path);
  GgufChat chat = readGgufChat(file.metadata());
  if (chat.templates.empty()) return std::nullopt;
  GgufChat::Template& first = chat.templates.front();
  if (first.name != "default")
    fail("{}: tokenizer.chat_template is missing, only '{}' and the like are there", path.string(), first.name);
  ChatTemplate found{.source = std::move(first.text), .origin = path.string() + ": tokenizer.chat_template"};
  for (auto& [name, piece] : chat.special_tokens) found.tokens[name] = std::move(piece);
  return found;
}

}  // namespace

std::optional<ChatTemplate> findChatTemplate(const fs::path& folder) {
  if (gguf::isModelFile(folder)) return templateInGguf(folder);
  std::error_code code;
  const fs::path alone = folder / "chat_template.jinja", config_path = folder / "tokenizer_config.json",
                 processor_path = folder / "chat_template.json";
  const std::optional<json> config = readJsonObjectIfThere(config_path);
  std::optional<ChatTemplate> found;
  if (fs::exists(alone, code)) {
    found = ChatTemplate{.source = readFile(alone, kMaxFileBytes), .origin = alone.string()};
  } else {
    refuseAdditionalAlone(folder);
    if (config)
      if (auto text = templateOf(*config, config_path))
        found = ChatTemplate{.source = *std::move(text), .origin = config_path.string() + ": chat_template"};
    if (!found)
      if (const auto processor = readJsonObjectIfThere(processor_path))
        if (auto text = templateOf(*processor, processor_path))
          found = ChatTemplate{.source = *std::move(text), .origin = processor_path.string()};
  }
  if (found) found->tokens = specialTokens(folder, config);
  return found;
}

std::string renderChatTemplate(const ChatTemplate& chat_template, std::span<const ChatMessage> messages,
                               bool add_generation_prompt, const jinja::DateTime& now) {
  nlohmann::ordered_json variables = chat_template.tokens;
  variables["messages"] = nlohmann::ordered_json::array();
  for (const ChatMessage& message : messages)
    variables["messages"].push_back({{"role", message.role}, {"content", message.content}});
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = add_generation_prompt;
  return jinja::Template(chat_template.source, chat_template.origin).render(variables, now);
}

std::string wrapInChat(const ChatRequest& request, const fs::path& folder, const std::string& text) {
  std::vector<ChatMessage> messages;
  if (!request.system.empty()) messages.push_back({"system", request.system});
  messages.push_back({"user", text});
  const auto now = request.date.empty() ? jinja::localNow() : jinja::parseDate(request.date, "--chat-date");
  if (request.name != "auto") return applyChatTemplate(parseChatFamily(request.name), messages, true);
  const auto own = findChatTemplate(folder);
  if (!own) fail("{}: has no chat template; name one with --chat llama2, llama3 or mistral", folder.string());
  return renderChatTemplate(*own, messages, true, now);
}

}  // namespace kvatlas::text
