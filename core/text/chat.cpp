#include "core/text/chat.h"

#include <array>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/text/template/letters.h"

namespace kvatlas::text {
namespace {

std::string_view strip(std::string_view text) {
  return jinja::stripRight(jinja::stripLeft(text));
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

}  // namespace

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
