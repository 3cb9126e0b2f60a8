// A model with its own chat template in capture, generate, evaluate and info.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}Rule of {{ strftime_now('%d %b %Y') }}: {{ m.content | trim }}\n{% else %}"
    "Question: {{ m.content | trim }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}";

class Chat : public ProgrammeTest {
 protected:
  void SetUp() override {
    fs::create_directory(model());
    for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"})
      fs::create_symlink(bundledModel() / name, model() / name);
    setTemplate(kTemplate);
  }
  [[nodiscard]] fs::path model() const { return folder() / "instruct"; }
  void setTemplate(const std::string& text) const {
    std::ifstream in(bundledModel() / "tokenizer_config.json");
    json config = json::parse(in);
    config["chat_template"] = text;
    std::ofstream(model() / "tokenizer_config.json") << config;
  }
  [[nodiscard]] Words request(const char* command, const Words& more) const {
    Words words{command,
                "--model",
                model().string(),
                "--text",
                "\n The number of Emma is 7. What is it? ",
                "-q",
                "--max-new-tokens",
                "2"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] json infoOf(const Words& more) const {
    Words words = request("capture", more);
    words.insert(words.end(), {"--force", "-o", trace()});
    expectDone(run(words));
    const Ended info = run({"info", trace(), "--json"});
    expectDone(info);
    return json::parse(info.out).at("prompt");
  }
  [[nodiscard]] std::string infoText() const { return run({"info", trace()}).out; }
};

TEST_F(Chat, TheTemplateIsRenderedAndSpansAreFoundInIt) {
  const json prompt = infoOf({"--chat", "auto", "--chat-date", "2026-03-09", "--system", " Be brief. ", "--span",
                              "fact=The number of Emma is 7."});
  EXPECT_EQ(prompt.at("start"),
            "<s>Rule of 09 Mar 2026: Be brief. Question: The number of Emma is 7. What is it? Answer:");
  EXPECT_EQ(prompt.at("chat"), "auto");
  ASSERT_EQ(prompt.at("spans").size(), 1U);
  EXPECT_GT(prompt.at("spans")[0].at("begin"), 0);
  EXPECT_THAT(infoText(), HasSubstr("wrapped in the model's chat template"));
}

TEST_F(Chat, InfoTellsWhetherATemplateWasUsed) {
  EXPECT_EQ(infoOf({}).at("chat"), "unused");
  EXPECT_THAT(infoText(), HasSubstr("though the model has a chat template"));
  EXPECT_EQ(infoOf({"--chat", "llama2"}).at("chat"), "llama2");
  EXPECT_THAT(infoText(), HasSubstr("wrapped in the chat template llama2"));
  fs::copy_file(bundledModel() / "tokenizer_config.json", model() / "tokenizer_config.json",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(infoOf({}).at("chat"), "none");
  EXPECT_THAT(infoText(), Not(HasSubstr("chat template")));
}

TEST_F(Chat, GenerateSeesTheSamePrompt) {
  const Ended wrapped = run(request("generate", {"--chat", "auto"}));
  expectDone(wrapped);
  Words plain{"generate",
              "--model",
              model().string(),
              "--text",
              "Question: The number of Emma is 7. What is it?\nAnswer:",
              "-q",
              "--max-new-tokens",
              "2"};
  EXPECT_EQ(run(plain).out, wrapped.out);
}

TEST_F(Chat, WhatATemplateRefusesAndWhatIsNotKnownIsSaid) {
  setTemplate(
      "{{ bos_token }}\n{% if messages[0].role == 'system' %}{{ raise_exception('no system message') }}{% endif %}");
  expectRefused(run(request("generate", {"--chat", "auto", "--system", "x"})), 2,
                {"tokenizer_config.json", "line 2", "no system message"});
  setTemplate("{% include 'other' %}");
  expectRefused(run(request("generate", {"--chat", "auto"})), 1, {"tokenizer_config.json", "line 1", "'include'"});
  expectRefused(run(request("generate", {"--chat", "auto", "--chat-date", "2026-02-30"})), 2,
                {"--chat-date", "2026-02-30"});
  expectRefused(run(request("generate", {"--chat-date", "2026-02-03"})), 2, {"--chat-date", "--chat auto"});
  // A prompt without the template ignores its errors.
  expectDone(run(request("generate", {})));
}

TEST_F(Chat, ANeedleRunWrapsItsPrompts) {
  const Words needle{"evaluate", "needle",    "--model", model().string(),   "-q", "--threads",
                     "1",        "--lengths", "120",     "--depths",         "50", "--method",
                     "snapkv",   "--budget",  "24",      "--max-new-tokens", "2"};
  Words words = needle;
  words.insert(words.end(),
               {"-o", path("run"), "--chat", "auto", "--chat-date", "2026-03-09", "--system", "Be brief."});
  expectDone(run(words));
  std::string settings;
  for (const auto& entry : fs::directory_iterator(path("run"))) {
    std::ifstream in(entry.path());
    if (entry.path().extension() == ".json") settings.append(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_THAT(settings, HasSubstr("Rule of 09 Mar 2026: Be brief."));
  EXPECT_THAT(settings, Not(HasSubstr("<s>Rule")));  // a needle run adds <s> itself
  setTemplate("Question: {{ messages[0].content }}");
  words = needle;
  words.insert(words.end(), {"-o", path("other"), "--chat", "auto"});
  expectRefused(run(words), 1, {"<s>", "chat template"});
}

}  // namespace
}  // namespace kvatlas::app_test
