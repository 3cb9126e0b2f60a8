// Chat formats that are built in, for models without a template of their own; knows strings only.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kvatlas::text {

enum class ChatFamily { Llama2, Llama3, Mistral };

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

[[nodiscard]] ChatFamily parseChatFamily(
    std::string_view name);  // "llama2" | "llama3" | "mistral", UsageError otherwise

// The prompt text, BOS piece included (encode it with add_special = false), as Hugging Face `apply_chat_template`
// renders the formats published for Llama 2 chat, Llama 3 instruct (without the dates that 3.1 sets before the system
// message) and Mistral 7B instruct v0.1 (a system message goes before the first user message). UsageError when roles do
// not alternate (Llama 3 takes any).
[[nodiscard]] std::string applyChatTemplate(ChatFamily family, std::span<const ChatMessage> messages,
                                            bool add_generation_prompt);

}  // namespace kvatlas::text
