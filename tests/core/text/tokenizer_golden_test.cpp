// Every id and every decoded text against Hugging Face `tokenizers` (tests/data/tokenizers/make_tokenizer_goldens.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/text/tokenizer.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;

const std::filesystem::path kGoldens = std::filesystem::path(KVATLAS_TEST_DATA) / "tokenizers";

std::string fromHex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

struct Case {
  std::string bytes;
  std::string text;  // the same where the bytes are valid UTF-8
};

std::vector<Case> readCases() {
  std::vector<Case> cases;
  for (const json& entry : readJsonFile(kGoldens / "strings.json")) {
    if (entry.is_string()) {
      cases.push_back({entry.get<std::string>(), entry.get<std::string>()});
    } else {
      cases.push_back({fromHex(entry.at("hex").get<std::string>()), entry.at("text").get<std::string>()});
    }
  }
  return cases;
}

std::string shown(const std::string& text) {
  return json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

class TokenizerGolden : public testing::TestWithParam<const char*> {
 protected:
  static std::filesystem::path folder() {
    const std::string name = GetParam();
    if (name == "bundled") return std::filesystem::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama";
    return kGoldens / name;
  }
  const std::vector<Case> cases = readCases();
  const json golden = readJsonFile(kGoldens / (std::string(GetParam()) + ".json"));
  const Tokenizer tokenizer = Tokenizer::load(folder());
};

TEST_P(TokenizerGolden, EncodesAsHuggingFace) {
  const json& expected = golden.at("ids");
  ASSERT_GE(expected.size(), 1000u);
  const auto before = golden.at("before").get<std::vector<TokenId>>(),
             after = golden.at("after").get<std::vector<TokenId>>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto ids = expected[i].get<std::vector<TokenId>>();
    ASSERT_EQ(tokenizer.encode(cases[i].bytes, false).ids, ids) << "string " << i << ": " << shown(cases[i].bytes);
    ids.insert(ids.begin(), before.begin(), before.end());
    ids.insert(ids.end(), after.begin(), after.end());
    ASSERT_EQ(tokenizer.encode(cases[i].bytes, true).ids, ids) << "string " << i << ": " << shown(cases[i].bytes);
  }
}

TEST_P(TokenizerGolden, DecodesAsHuggingFace) {
  const json &expected = golden.at("text"), &skipped = golden.at("skipped");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto ids = golden.at("ids")[i].get<std::vector<TokenId>>();
    // null: the string after reading its invalid bytes as U+FFFD
    const std::string text = expected[i].is_null() ? cases[i].text : expected[i].get<std::string>();
    ASSERT_EQ(tokenizer.decode(ids, false), text) << "string " << i;
    ASSERT_EQ(tokenizer.decode(ids, true), skipped[i].is_null() ? text : skipped[i].get<std::string>())
        << "string " << i;
  }
  for (const json& entry : golden.at("sequences")) {
    const auto ids = entry[0].get<std::vector<TokenId>>();
    ASSERT_EQ(tokenizer.decode(ids, false), entry[1].get<std::string>()) << entry.dump();
    ASSERT_EQ(tokenizer.decode(ids, true), entry[2].get<std::string>()) << entry.dump();
  }
}

// Offsets part the text into consecutive ranges, whatever was normalised, replaced or dropped on the way.
TEST_P(TokenizerGolden, OffsetsPartTheText) {
  for (std::size_t i = 0; i < golden.at("ids").size(); ++i) {
    const Encoding encoding = tokenizer.encode(cases[i].bytes);
    ASSERT_EQ(encoding.offsets.size(), encoding.ids.size() + 1);
    ASSERT_EQ(encoding.ids.empty() ? 0 : encoding.offsets.front(), 0u);
    ASSERT_EQ(encoding.offsets.back(), cases[i].bytes.size());
    ASSERT_TRUE(std::is_sorted(encoding.offsets.begin(), encoding.offsets.end())) << shown(cases[i].bytes);
  }
}

TEST_P(TokenizerGolden, DecodedOffsetsPartTheText) {
  for (const json& entry : golden.at("sequences")) {
    const auto ids = entry[0].get<std::vector<TokenId>>();
    for (const bool skip : {false, true}) {
      const Decoded decoded = tokenizer.decodeWithOffsets(ids, skip);
      ASSERT_EQ(decoded.text, tokenizer.decode(ids, skip));
      ASSERT_EQ(decoded.offsets.size(), ids.size() + 1);
      ASSERT_EQ(decoded.offsets.back(), decoded.text.size());
      ASSERT_TRUE(std::is_sorted(decoded.offsets.begin(), decoded.offsets.end())) << entry.dump();
      ASSERT_EQ(ids.empty() ? 0 : decoded.offsets.front(), 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerGolden,
                         testing::Values("llama3", "gpt2", "digits", "llama2", "mistral", "metaspace", "unknown",
                                         "dropped", "bundled"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace kvatlas::text
