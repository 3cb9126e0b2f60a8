// Chat templates against transformers' apply_chat_template (tests/data/tokenizers/make_chat_goldens.py).
#include "core/text/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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

class ChatFolder : public testing::Test {
 protected:
  ChatFolder() { std::filesystem::create_directories(folder); }
  ~ChatFolder() override { std::filesystem::remove_all(folder); }
  void config(const json& chat_template) {
    writeFileAtomically(folder / "tokenizer_config.json", json{{"chat_template", chat_template}}.dump());
  }
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("kvatlas-chat-" + std::to_string(::getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ChatFolder, RecognisesTheFamilies) {
  EXPECT_EQ(detectChatFamily(folder), std::nullopt);
  config(nullptr);
  EXPECT_EQ(detectChatFamily(folder), std::nullopt);
  config("{{ '<|start_header_id|>' + message['role'] }}");
  EXPECT_EQ(detectChatFamily(folder), ChatFamily::Llama3);
  config("{{ '<<SYS>>\\n' }}{{ bos_token + '[INST] ' + content + ' [/INST]' }}");
  EXPECT_EQ(detectChatFamily(folder), ChatFamily::Llama2);
  config(json::array({{{"name", "tool_use"}, {"template", "<|im_start|>"}},
                      {{"name", "default"}, {"template", "'[INST] ' + x + ' [/INST]'"}}}));
  EXPECT_EQ(detectChatFamily(folder), ChatFamily::Mistral);
  writeFileAtomically(folder / "chat_template.jinja", "<|start_header_id|>");
  EXPECT_EQ(detectChatFamily(folder), ChatFamily::Llama3);
}

TEST_F(ChatFolder, NamesWhatAnotherFamilyHolds) {
  const auto refusal = [&](const std::string& text) {
    config(text);
    try {
      static_cast<void>(detectChatFamily(folder));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refusal("{{ '<|im_start|>' }}"), HasSubstr("'<|im_start|>' (ChatML)"));
  EXPECT_THAT(refusal("{{ '[INST]' + x + '[/INST]' }}"), HasSubstr("Mistral"));
  EXPECT_THAT(refusal("{{ 'Human: ' }}"), HasSubstr("Human: "));
  EXPECT_THAT(refusal("{{ 'Human: ' }}"), HasSubstr("tokenizer_config.json"));
}

}  // namespace
}  // namespace kvatlas::text
