// A model's own chat template: where its folder keeps it, with which tokens, and what it makes of a conversation.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "core/text/chat.h"
#include "core/text/template/date.h"

namespace kvatlas::text {

struct ChatTemplate {
  std::string source;  // in the template language of Jinja2
  std::string origin;  // the file it stands in, for messages
  nlohmann::ordered_json tokens =
      nlohmann::ordered_json::object();  // "bos_token": "<s>", …: what the template may print
};

// As AutoTokenizer of Transformers chooses it: chat_template.jinja, else the "chat_template" of tokenizer_config.json
// (a string, or the one named "default" of a list), else chat_template.json of a processor. A GGUF file has its own in
// its metadata. Empty: the folder or file has none.
// Error when there are templates of other names only, naming them.
[[nodiscard]] std::optional<ChatTemplate> findChatTemplate(const std::filesystem::path& folder);

// The prompt text as apply_chat_template(messages, add_generation_prompt) renders it, special tokens included: encode
// it with add_special = false. Error naming file and line for what the template language here does not know; UsageError
// when the template refuses the conversation. `now`: the day a template may print.
[[nodiscard]] std::string renderChatTemplate(const ChatTemplate& chat_template, std::span<const ChatMessage> messages,
                                             bool add_generation_prompt, const jinja::DateTime& now);

// How a prompt is to be wrapped.
struct ChatRequest {
  std::string name;    // "auto": the model's own template; "llama2", "llama3", "mistral"
  std::string date;    // the day a template may print, "2026-03-31"; "": today
  std::string system;  // "": no system message
};

// The text as the user's message, ready for the model's answer. Error when the folder has no template for "auto";
// UsageError for a name or date that is none.
[[nodiscard]] std::string wrapInChat(const ChatRequest& request, const std::filesystem::path& folder,
                                     const std::string& text);

}  // namespace kvatlas::text
