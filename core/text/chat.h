// Chat templates of the families KVAtlas runs; knows strings only.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kvatlas::text {

enum class ChatFamily { Llama2, Llama3, Mistral };

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// Recognises the family from the template text in tokenizer_config.json (or chat_template.jinja) of a checkpoint
// folder; empty: no template, Error: a template of another family (named by what it contains).
[[nodiscard]] std::optional<ChatFamily> detectChatFamily(const std::filesystem::path& folder);
[[nodiscard]] ChatFamily parseChatFamily(
    std::string_view name);  // "llama2" | "llama3" | "mistral", UsageError otherwise

// The prompt text, BOS piece included (encode it with add_special = false), as Hugging Face `apply_chat_template`
// renders the formats published for Llama 2 chat, Llama 3 instruct (without the dates that 3.1 sets before the system
// message) and Mistral 7B instruct v0.1 (a system message goes before the first user message). UsageError when roles do
// not alternate (Llama 3 takes any).
[[nodiscard]] std::string applyChatTemplate(ChatFamily family, std::span<const ChatMessage> messages,
                                            bool add_generation_prompt);

}  // namespace kvatlas::text
