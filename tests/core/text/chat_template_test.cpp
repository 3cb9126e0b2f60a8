// Which chat template a folder has, with which tokens, and what it makes of a conversation. The rendered texts are what
// apply_chat_template of Transformers gives for the same folders.
#include "core/text/chat_template.h"

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
namespace fs = std::filesystem;

class ChatFolder : public testing::Test {
 protected:
  ChatFolder() { fs::create_directories(folder); }
  ~ChatFolder() override { fs::remove_all(folder); }
  void write(const char* name, const json& content) const { writeFileAtomically(folder / name, content.dump()); }
  void writeText(const fs::path& name, const std::string& text) const {
    fs::create_directories((folder / name).parent_path());
    writeFileAtomically(folder / name, text);
  }
  [[nodiscard]] std::string source() const {
    const auto found = findChatTemplate(folder);
    return found ? found->source : "none";
  }
  [[nodiscard]] std::string refusal() const {
    try {
      return source();
    } catch (const Error& error) {
      return error.what();
    }
  }
  [[nodiscard]] std::string rendered(const std::vector<ChatMessage>& messages) const {
    return renderChatTemplate(findChatTemplate(folder).value(), messages, true, jinja::parseDate("2026-03-09", "day"));
  }
  const fs::path folder = fs::temp_directory_path() / ("kvatlas-chat-" + std::to_string(::getpid()) +
                                                       testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ChatFolder, TheTemplateIsFoundWhereTransformersFindsIt) {
  EXPECT_EQ(source(), "none");
  write("tokenizer_config.json", {{"chat_template", nullptr}});
  EXPECT_EQ(source(), "none");
  write("chat_template.json", {{"chat_template", "of the processor"}});
  EXPECT_EQ(source(), "of the processor");
  write("tokenizer_config.json", {{"chat_template", "as a string"}});
  EXPECT_EQ(source(), "as a string");
  write("tokenizer_config.json",
        {{"chat_template",
          {{{"name", "tool_use"}, {"template", "tools"}}, {{"name", "default"}, {"template", "by its name"}}}}});
  EXPECT_EQ(source(), "by its name");
  writeText("chat_template.jinja", "in its own file");
  EXPECT_EQ(source(), "in its own file");
  writeText("additional_chat_templates/tool_use.jinja", "tools");
  EXPECT_EQ(source(), "in its own file");
}

TEST_F(ChatFolder, TemplatesWithoutADefaultAreNamed) {
  write("tokenizer_config.json",
        {{"chat_template", {{{"name", "tool_use"}, {"template", "x"}}, {{"name", "rag"}, {"template", "y"}}}}});
  EXPECT_THAT(refusal(), HasSubstr("no template is called 'default', only tool_use, rag"));
  write("tokenizer_config.json", {{"chat_template", 5}});
  EXPECT_THAT(refusal(), HasSubstr("chat_template': expected a string"));
  write("tokenizer_config.json", json::array());
  EXPECT_THAT(refusal(), HasSubstr("expected a JSON object"));
  write("tokenizer_config.json", {{"chat_template", "x"}});
  writeText("additional_chat_templates/b.jinja", "b");
  writeText("additional_chat_templates/a.jinja", "a");
  EXPECT_THAT(refusal(), HasSubstr("there is no chat_template.jinja, only a, b"));
}

TEST_F(ChatFolder, SpecialTokensAreStringsOrObjects) {
  writeText("chat_template.jinja", "");
  const auto tokens = [this] { return findChatTemplate(folder)->tokens; };
  EXPECT_EQ(tokens(), json::object());
  write("tokenizer_config.json", {{"bos_token", {{"__type", "AddedToken"}, {"content", "<b>"}, {"lstrip", false}}},
                                  {"eos_token", "<e>"},
                                  {"pad_token", nullptr}});
  EXPECT_EQ(json(tokens()), (json{{"bos_token", "<b>"}, {"eos_token", "<e>"}}));
  write("special_tokens_map.json", {{"eos_token", {{"content", "<map>"}}}, {"additional_special_tokens", {"<x>"}}});
  EXPECT_EQ(json(tokens()), (json{{"bos_token", "<b>"}, {"eos_token", "<map>"}}));
  write("tokenizer_config.json", {{"eos_token", "<e>"}, {"added_tokens_decoder", json::object()}});
  EXPECT_EQ(json(tokens()), (json{{"eos_token", "<e>"}}));
  fs::remove(folder / "special_tokens_map.json");
  write("tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizerFast"}, {"unk_token", nullptr}});
  EXPECT_EQ(json(tokens()), (json{{"bos_token", "<s>"}, {"eos_token", "</s>"}}));
}

// Llama 3.1 and later put two dates before the system message, whether there is one or not.
TEST_F(ChatFolder, TheSystemBlockOfLlama31HasItsDates) {
  write("tokenizer_config.json",
        {{"bos_token", "<|begin_of_text|>"},
         {"chat_template",
          "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set s = messages[0]['content']|trim %}"
          "{%- set messages = messages[1:] %}{%- else %}{%- set s = '' %}{%- endif %}"
          "{{- '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: ' + "
          "strftime_now('%d %b %Y') + '\n\n' + s + '<|eot_id|>' }}{%- for m in messages %}"
          "{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content']|trim + '<|eot_id|>' }}{%- "
          "endfor %}"
          "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"}});
  EXPECT_EQ(
      rendered({{"user", "How are you today?"}}),
      "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
      "Today Date: 09 Mar 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you today?<|eot_id|>"
      "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_THAT(rendered({{"system", " Be brief. "}, {"user", "x"}}),
              HasSubstr("\n\nBe brief.<|eot_id|><|start_header_id|>user"));
}

// Mistral 7B v0.2 sets a blank before [INST], v0.1 does not.
TEST_F(ChatFolder, BlanksOfTheTemplateStay) {
  write("tokenizer_config.json",
        {{"tokenizer_class", "LlamaTokenizerFast"},
         {"chat_template",
          "{{- bos_token }}{%- for m in messages %}{{- ' [INST] ' + m['content'] + ' [/INST]' }}{%- endfor %}"}});
  EXPECT_EQ(rendered({{"user", "How are you today?"}}), "<s> [INST] How are you today? [/INST]");
}

TEST_F(ChatFolder, ARefusedConversationAndAnUnknownConstructAreTold) {
  writeText(
      "chat_template.jinja",
      "{{ bos_token }}\n{% if messages[0].role == 'system' %}{{ raise_exception('no system message') }}{% endif %}");
  try {
    static_cast<void>(rendered({{"system", "x"}, {"user", "y"}}));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("chat_template.jinja: line 2: the template refuses the conversation: no system message"));
  }
  writeText("chat_template.jinja", "\n\n{{ messages | groupby('role') }}");
  try {
    static_cast<void>(rendered({{"user", "y"}}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("chat_template.jinja: line 3: the filter 'groupby' is not supported"));
  }
}

TEST(ChatDate, OnlyDatesAreTaken) {
  EXPECT_EQ(jinja::formatDate(jinja::parseDate("2024-02-29", "--chat-date"), "%d %b %Y %A %j"),
            "29 Feb 2024 Thursday 060");
  for (const char* wrong :
       {"", "2023-02-29", "2024-2-9", "2024-13-01", "24-01-01", "2024-01-01x", "2024-01--1", "x024-01-01"})
    EXPECT_THROW(static_cast<void>(jinja::parseDate(wrong, "--chat-date")), UsageError) << wrong;
}

}  // namespace
}  // namespace kvatlas::text
