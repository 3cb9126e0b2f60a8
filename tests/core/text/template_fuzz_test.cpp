// Thousands of broken templates: each is rendered or refused with a sentence, in bounded time; nothing crashes. The
// same ones every time.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/base/error.h"
#include "core/text/template/template.h"

namespace kvatlas::text::jinja {
namespace {

using nlohmann::ordered_json;

constexpr auto kWords = std::to_array<std::string_view>({"{{",
                                                         "}}",
                                                         "{%",
                                                         "%}",
                                                         "{#",
                                                         "#}",
                                                         "{{-",
                                                         "-}}",
                                                         "{%-",
                                                         "-%}",
                                                         "{%+",
                                                         "+%}",
                                                         " ",
                                                         "\n",
                                                         "\t",
                                                         "if",
                                                         "elif",
                                                         "else",
                                                         "endif",
                                                         "for",
                                                         "in",
                                                         "endfor",
                                                         "set",
                                                         "endset",
                                                         "macro",
                                                         "endmacro",
                                                         "raw",
                                                         "endraw",
                                                         "filter",
                                                         "endfilter",
                                                         "with",
                                                         "endwith",
                                                         "generation",
                                                         "endgeneration",
                                                         "break",
                                                         "continue",
                                                         "is",
                                                         "not",
                                                         "and",
                                                         "or",
                                                         "(",
                                                         ")",
                                                         "[",
                                                         "]",
                                                         "{",
                                                         "}",
                                                         ",",
                                                         ":",
                                                         ".",
                                                         "|",
                                                         "~",
                                                         "+",
                                                         "-",
                                                         "*",
                                                         "/",
                                                         "//",
                                                         "%",
                                                         "**",
                                                         "==",
                                                         "!=",
                                                         "<",
                                                         "<=",
                                                         "=",
                                                         "'",
                                                         "\"",
                                                         "'a'",
                                                         "\"b\\n\"",
                                                         "0",
                                                         "1",
                                                         "-1",
                                                         "9223372036854775807",
                                                         "1e308",
                                                         "3.5",
                                                         "x",
                                                         "messages",
                                                         "messages[0]",
                                                         ".content",
                                                         ".role",
                                                         "loop",
                                                         "loop.last",
                                                         "namespace()",
                                                         "range(9)",
                                                         "none",
                                                         "true",
                                                         "trim",
                                                         "upper",
                                                         "join",
                                                         "list",
                                                         "tojson",
                                                         "map('upper')",
                                                         "selectattr('role')",
                                                         "split()",
                                                         "[::-1]",
                                                         "'x' * 1000000",
                                                         "\\",
                                                         "\xff"});

class Fuzz {
 public:
  explicit Fuzz(unsigned seed) : m_random(seed) {}
  std::size_t below(std::size_t count) { return m_random() % count; }

  std::string soup() {
    std::string out;
    for (std::size_t i = below(60) + 1; i > 0; --i)
      out.append(kWords[below(kWords.size())]).append(below(3) == 0 ? " " : "");
    return out;
  }

  // A good template with some bytes or words changed, removed, doubled or moved.
  std::string mutation(std::string text) {
    for (std::size_t i = below(6) + 1; i > 0 && !text.empty(); --i) {
      const std::size_t at = below(text.size()), length = std::min(below(12) + 1, text.size() - at);
      switch (below(5)) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, std::string(kWords[below(kWords.size())]));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(40)));
          break;
        case 3:
          text[at] = static_cast<char>(below(256));
          break;
        default:
          text.resize(at);
      }
    }
    return text;
  }

 private:
  std::mt19937 m_random;  // its numbers are the same everywhere
};

struct Tally {
  std::size_t rendered = 0, refused = 0;
  void take(const std::string& source) {
    static const ordered_json kVariables{
        {"messages", {{{"role", "user"}, {"content", "Hi {{ x }}"}}}}, {"x", {1, "a", nullptr}}, {"bos_token", "<s>"}};
    static const Limits kLimits{.steps = 20'000, .work_bytes = std::uint64_t{4} << 20};
    try {
      const std::string text = Template(source, "fuzzed", kLimits).render(kVariables, DateTime());
      EXPECT_LE(text.size(), std::size_t{5} << 20);
      ++rendered;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).substr(0, 13), "fuzzed: line ") << source;
      ++refused;
    }
  }
};

TEST(TemplateFuzz, TokenSoupIsRenderedOrRefused) {
  Fuzz fuzz(1);
  Tally tally;
  for (int i = 0; i < 6000; ++i) tally.take(fuzz.soup());
  // Inside one tag, so that more of the expression grammar is reached.
  for (int i = 0; i < 6000; ++i) tally.take("{{ " + fuzz.soup() + " }}");
  EXPECT_GT(tally.rendered, 50U);
  EXPECT_GT(tally.refused, 5000U);
}

TEST(TemplateFuzz, MutatedTemplatesAreRenderedOrRefused) {
  const auto read = [](const char* name) {
    std::ifstream file(std::filesystem::path(KVATLAS_TEST_DATA) / "chat" / name);
    return ordered_json::parse(file);
  };
  Fuzz fuzz(2);
  Tally tally;
  const ordered_json chats = read("templates.json").at("templates"), pieces = read("language.json").at("cases");
  for (const ordered_json& entry : chats)
    for (int i = 0; i < 120; ++i) tally.take(fuzz.mutation(entry.at("template")));
  for (const ordered_json& entry : pieces)
    for (int i = 0; i < 6; ++i) tally.take(fuzz.mutation(entry.at("template")));
  EXPECT_GT(tally.rendered, 500U);
  EXPECT_GT(tally.refused, 2000U);
}

}  // namespace
}  // namespace kvatlas::text::jinja
