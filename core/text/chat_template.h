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
// (a string, or the one named "default" of a list), else chat_template.json of a processor. Empty: the folder has none.
// Error when there are templates of other names only, naming them.
[[nodiscard]] std::optional<ChatTemplate> findChatTemplate(const std::filesystem::path& folder);

// The prompt text as apply_chat_template(messages, add_generation_prompt) renders it, special tokens included: encode
// it with add_special = false. Error naming file and line for what the template language here does not know; UsageError
// when the template refuses the conversation. `now`: the day a template may print.
[[nodiscard]] std::string renderChatTemplate(const ChatTemplate& chat_template, std::span<const ChatMessage> messages,
                                             bool add_generation_prompt, const jinja::DateTime& now);

}  // namespace kvatlas::text
