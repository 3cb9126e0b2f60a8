// The built-in chat formats against transformers' apply_chat_template (tests/data/tokenizers/make_chat_goldens.py).
#include "core/text/chat.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
TEST(Chat, RendersAsTransformers) {
  const json cases = readJsonFile(std::filesystem::path(KVATLAS_TEST_DATA) / "tokenizers/chat.json");
  ASSERT_GE(cases.size(), 200u);
  for (const json& entry : cases) {
    std::vector<ChatMessage> messages;
    for (const json& message : entry.at("messages"))
      messages.push_back({message[0].get<std::string>(), message[1].get<std::string>()});
    const ChatFamily family = parseChatFamily(entry.at("family").get<std::string>());
    const bool prompt = entry.at("generation_prompt").get<bool>();
    if (entry.at("text").is_null()) {
      EXPECT_THROW(static_cast<void>(applyChatTemplate(family, messages, prompt)), UsageError) << entry.dump();
    } else {
      EXPECT_EQ(applyChatTemplate(family, messages, prompt), entry.at("text").get<std::string>()) << entry.dump();
    }
  }
}

TEST(Chat, UnknownFamilyIsAUsageError) {
  EXPECT_THROW(static_cast<void>(parseChatFamily("llama4")), UsageError);
}

}  // namespace
}  // namespace kvatlas::text
