#include "core/text/chat.h"

#include <array>
#include <utility>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"
#include "core/text/json_field.h"
#include "core/text/utf8.h"

namespace kvatlas::text {
namespace {

// What Python's str.strip() takes, which the templates call: White_Space and the four separators below it.
bool isStripped(std::uint32_t code_point) {
  return isWhitespace(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

std::string_view strip(std::string_view text) {
  while (!text.empty()) {
    const Utf8Unit first = readUtf8(text);
    if (!isStripped(first.code_point)) break;
    text.remove_prefix(first.length);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!isStripped(readUtf8(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

struct Conversation {
  const ChatMessage* system = nullptr;
  std::span<const ChatMessage> turns;  // user, assistant, user, …
};

Conversation readTurns(std::span<const ChatMessage> messages) {
  Conversation result{nullptr, messages};
  if (!messages.empty() && messages[0].role == "system") result = {&messages[0], messages.subspan(1)};
  for (std::size_t i = 0; i < result.turns.size(); ++i) {
    const std::string_view expected = i % 2 == 0 ? "user" : "assistant";
    if (result.turns[i].role != expected) {
      failUsage("chat message {}: the role '{}' was expected, not '{}' (after a system message they alternate)",
                i + (result.system ? 2 : 1), expected, result.turns[i].role);
    }
  }
  return result;
}

std::string renderLlama2(std::span<const ChatMessage> messages) {
  const Conversation conversation = readTurns(messages);
  std::string out;
  for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
    std::string content = conversation.turns[i].content;
    if (i == 0 && conversation.system)
      content = "<<SYS>>\n" + conversation.system->content + "\n<</SYS>>\n\n" + content;
    if (i % 2 == 0) {
      out += fmt::format("<s>[INST] {} [/INST]", strip(content));
    } else {
      out += fmt::format(" {} </s>", strip(content));
    }
  }
  return out;
}

std::string renderLlama3(std::span<const ChatMessage> messages, bool add_generation_prompt) {
  std::string out = messages.empty() ? "" : "<|begin_of_text|>";
  for (const ChatMessage& message : messages) {
    out += fmt::format("<|start_header_id|>{}<|end_header_id|>\n\n{}<|eot_id|>", message.role, strip(message.content));
  }
  if (add_generation_prompt) out += "<|start_header_id|>assistant<|end_header_id|>\n\n";
  return out;
}

std::string renderMistral(std::span<const ChatMessage> messages) {
  const Conversation conversation = readTurns(messages);
  std::string out = "<s>";
  for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
    const std::string& content = conversation.turns[i].content;
    if (i % 2 == 1) {
      out += fmt::format(" {}</s>", content);
    } else if (i == 0 && conversation.system) {
      out += fmt::format("[INST] {}\n\n{} [/INST]", conversation.system->content, content);
    } else {
      out += fmt::format("[INST] {} [/INST]", content);
    }
  }
  return out;
}

// The template text of "chat_template": a string, or a list of named ones, of which "default" counts.
std::optional<std::string> templateOf(const JsonField& config) {
  const auto field = config.find("chat_template");
  if (!field) return std::nullopt;
  if (field->value().is_string()) return field->asString();
  for (const JsonField& entry : field->elements()) {
    if (entry.at("name").asString() == "default") return entry.at("template").asString();
  }
  return std::nullopt;
}

struct Mark {
  std::string_view text, family;
};
constexpr std::array<Mark, 7> kOtherFamilies{{{"<|im_start|>", "ChatML"},
                                              {"<start_of_turn>", "Gemma"},
                                              {"<|start_of_role|>", "Granite"},
                                              {"<|START_OF_TURN_TOKEN|>", "Command R"},
                                              {"[SYSTEM_PROMPT]", "a later Mistral"},
                                              {"<|user|>", "Zephyr or Phi"},
                                              {"[INST]", "a later Mistral"}}};

ChatFamily recognise(std::string_view text, const std::string& where) {
  if (text.find("<|start_header_id|>") != text.npos) return ChatFamily::Llama3;
  // The later templates of Mistral set no blank before [/INST].
  if (text.find("[INST] ") != text.npos && text.find(" [/INST]") != text.npos &&
      text.find("[SYSTEM_PROMPT]") == text.npos) {
    return text.find("<<SYS>>") != text.npos ? ChatFamily::Llama2 : ChatFamily::Mistral;
  }
  for (const Mark& mark : kOtherFamilies) {
    if (text.find(mark.text) == text.npos) continue;
    fail("{}: the chat template holds '{}' ({}); only those of Llama 2, Llama 3 and Mistral v0.1 are known", where,
         mark.text, mark.family);
  }
  fail("{}: the chat template begins '{}'; only those of Llama 2, Llama 3 and Mistral v0.1 are known", where,
       text.substr(0, 40));
}

}  // namespace

std::optional<ChatFamily> detectChatFamily(const std::filesystem::path& folder) {
  std::error_code code;
  const std::filesystem::path jinja = folder / "chat_template.jinja";
  if (std::filesystem::exists(jinja, code)) return recognise(readFile(jinja, std::uint64_t{1} << 24), jinja.string());
  const std::filesystem::path config = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(config, code)) return std::nullopt;
  const nlohmann::json json = readJsonFile(config);
  const std::optional<std::string> text = templateOf(JsonField(json, config.string()));
  if (!text) return std::nullopt;
  return recognise(*text, config.string());
}

ChatFamily parseChatFamily(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, ChatFamily>, 3> kFamilies{
      {{"llama2", ChatFamily::Llama2}, {"llama3", ChatFamily::Llama3}, {"mistral", ChatFamily::Mistral}}};
  std::vector<std::string> known;
  for (const auto& [family_name, family] : kFamilies) {
    if (name == family_name) return family;
    known.emplace_back(family_name);
  }
  failUsage("unknown chat template '{}'{}", name, suggestion(name, known));
}

std::string applyChatTemplate(ChatFamily family, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  switch (family) {
    case ChatFamily::Llama2:
      return renderLlama2(messages);
    case ChatFamily::Llama3:
      return renderLlama3(messages, add_generation_prompt);
    case ChatFamily::Mistral:
      return renderMistral(messages);
  }
  failUsage("unknown chat template {}", static_cast<int>(family));
}

}  // namespace kvatlas::text
