// Chat templates against Transformers (tests/data/chat/make_template_goldens.py).
#include "core/text/template/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/base/error.h"

namespace kvatlas::text::jinja {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

ordered_json readGoldens(const char* name) {
  std::ifstream file(std::filesystem::path(KVATLAS_TEST_DATA) / "chat" / name);
  return ordered_json::parse(file);
}

// The text, or empty and the sentence of the error.
struct Outcome {
  std::optional<std::string> text;
  std::string error;
};

Outcome render(const std::string& source, const ordered_json& variables, const DateTime& now,
               const Limits& limits = {}) {
  try {
    return {.text = Template(source, "template", limits).render(variables, now), .error = {}};
  } catch (const Error& error) {
    return {.text = {}, .error = error.what()};
  }
}

Outcome render(const std::string& source) {
  return render(source, ordered_json::object(), DateTime());
}

TEST(Template, LanguageAsJinja2) {
  const ordered_json goldens = readGoldens("language.json");
  const DateTime now = parseDate(goldens.at("date").get<std::string>(), "date");
  ASSERT_GE(goldens.at("cases").size(), 700U);
  for (const ordered_json& entry : goldens.at("cases")) {
    const auto source = entry.at("template").get<std::string>();
    const Outcome outcome = render(source, goldens.at("context"), now);
    if (entry.at("text").is_null())
      EXPECT_FALSE(outcome.text) << source << " gives " << *outcome.text;
    else
      EXPECT_EQ(outcome.text, entry.at("text").get<std::string>()) << source << ": " << outcome.error;
  }
}

TEST(Template, ChatsAsTransformers) {
  const ordered_json goldens = readGoldens("templates.json");
  const DateTime now = parseDate(goldens.at("date").get<std::string>(), "date");
  std::map<std::string, ordered_json> templates;
  for (const ordered_json& entry : goldens.at("templates")) templates[entry.at("name")] = entry;
  ASSERT_GE(goldens.at("cases").size(), 400U);
  for (const ordered_json& entry : goldens.at("cases")) {
    const ordered_json& chosen = templates.at(entry.at("template"));
    ordered_json variables = goldens.at("tokens").at(chosen.at("tokens").get<std::string>());
    variables["messages"] = goldens.at("conversations").at(entry.at("conversation").get<std::size_t>());
    variables["tools"] = nullptr;
    variables["documents"] = nullptr;
    variables["add_generation_prompt"] = entry.at("prompt");
    const Outcome outcome = render(chosen.at("template"), variables, now);
    if (entry.at("text").is_null())
      EXPECT_FALSE(outcome.text) << entry.dump();
    else
      EXPECT_EQ(outcome.text, entry.at("text").get<std::string>()) << entry.at("template") << ": " << outcome.error;
  }
}

TEST(Template, ErrorsNameLineAndConstruct) {
  const auto error = [](const std::string& source) { return render(source).error; };
  EXPECT_EQ(error("a\n{% trans %}x{% endtrans %}"), "template: line 2: the tag 'trans' is not supported");
  EXPECT_EQ(error("a\n\n{{ 'x' | urlencode }}"), "template: line 3: the filter 'urlencode' is not supported");
  EXPECT_EQ(error("{{ 1 }}\n{{ 1 is escaped }}"), "template: line 2: the test 'escaped' is not supported");
  EXPECT_EQ(error("{# two\nlines #}\n{% include 'x' %}"), "template: line 3: the tag 'include' is not supported");
  EXPECT_EQ(error("{% if true -%}\n\n{{ messages[0].role }}{% endif %}"), "template: line 3: 'messages' is undefined");
  EXPECT_EQ(error("{{ 'a'.swapcase() }}"), "template: line 1: the method 'swapcase' of strings is not supported");
  EXPECT_EQ(error("{{ cycler('a') }}"), "template: line 1: the function 'cycler' is not supported");
  EXPECT_EQ(error("{% set x = [] %}\n{{ x.append(1) }}"),
            "template: line 2: 'append' would change a list, which templates may not");
  EXPECT_EQ(error("\n{% for x in [1] recursive %}{% endfor %}"), "template: line 2: recursive loops are not supported");
  EXPECT_EQ(error("{% if x %}"), "template: line 1: the tag 'if' has no end");
  EXPECT_EQ(error("{{ \"multi\nline\" }}\n{% endif %}"),
            "template: line 3: the tag 'endif' ends or continues nothing here");
  EXPECT_EQ(error("{{ x\n"), "template: line 1: the template ends inside a tag: '}}' is missing");
  EXPECT_EQ(error("{% call m() %}{% endcall %}"), "template: line 1: the tag 'call' is not supported");
  EXPECT_EQ(error("{% macro m() %}{{ varargs }}{% endmacro %}"),
            "template: line 1: 'varargs' of macros is not supported");
}

TEST(Template, ARefusalOfTheTemplateIsAUsageError) {
  const Template refusing("{% if messages %}\n{{ raise_exception('Roles must alternate') }}{% endif %}", "chat.jinja");
  try {
    static_cast<void>(refusing.render({{"messages", {1}}}, DateTime()));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "chat.jinja: line 2: the template refuses the conversation: Roles must alternate");
  }
}

TEST(Template, WorkIsBounded) {
  const auto error = [](const std::string& source) { return render(source).error; };
  EXPECT_THAT(error("{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"),
              HasSubstr("makes too much text"));
  EXPECT_THAT(error("{{ 'x' * 99999999999 }}"), HasSubstr("makes too much text"));
  EXPECT_THAT(error("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"),
              HasSubstr("line 1: the template "));
  EXPECT_THAT(error("{{ range(100001) | list | length }}"), HasSubstr("range() gives 100000 numbers at most"));
  EXPECT_THAT(error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("too deep"));
  EXPECT_THAT(error("{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}"),
              HasSubstr("more than 100 deep"));
  // Two lists that hold themselves twice, thirty times over: a comparison would take 2^30 steps.
  EXPECT_THAT(error("{% set a = namespace(l=[1]) %}{% set b = namespace(l=[1]) %}{% for i in range(30) %}"
                    "{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}"),
              HasSubstr("runs too long"));
  EXPECT_THAT(error("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}"), HasSubstr("deep"));
  EXPECT_THAT(error("{{ 1" + std::string(5000, '|') + " }}"), HasSubstr("a name is expected"));
  EXPECT_THAT(error("{{ " + std::string(100'000, '-') + "1 }}"), HasSubstr("deep"));
  std::string filters = "{{ 1", ifs, nots = "{{ ";
  for (int i = 0; i < 3000; ++i) filters += "|abs", ifs += "{% if 1 %}", nots += "not ";
  EXPECT_THAT(error(filters + " }}"), HasSubstr("deep"));
  EXPECT_THAT(error(ifs), HasSubstr("deep"));
  EXPECT_THAT(error(nots + "1 }}"), HasSubstr("deep"));
  EXPECT_THAT(error(std::string(2'000'000, 'x')), HasSubstr("2000000 bytes"));
  // Long, but not deep.
  std::string sum = "{{ 0";
  for (int i = 0; i < 3000; ++i) sum += " + 1";
  EXPECT_EQ(render(sum + " }}").text, "3000");
}

TEST(Template, ALongPromptIsNoReasonToRefuse) {
  const std::string content(3'000'000, 'x');
  const std::string source =
      "{% for m in messages %}{% set c = '<|user|>' + m['content'] | trim + '<|end|>' %}{{ c }}{% endfor %}";
  const Outcome outcome = render(source, {{"messages", {{{"role", "user"}, {"content", content}}}}}, DateTime());
  EXPECT_EQ(outcome.text, "<|user|>" + content + "<|end|>") << outcome.error;
}

TEST(Template, BytesThatAreNoUtf8PassThrough) {
  const Outcome outcome = render("[{{ s | trim | upper }}]{{ s | length }}{{ s[1:3] }}", {{"s", " a\xff\xc3 "}}, {});
  EXPECT_EQ(outcome.text, "[A\xff\xc3]5a\xff");
}

}  // namespace
}  // namespace kvatlas::text::jinja
