// Tokenizers in GGUF metadata against Hugging Face Transformers and `tokenizers`
// (tests/data/gguf/make_gguf_goldens.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/gguf/model_file.h"
#include "core/text/gguf_tokenizer.h"
#include "core/text/tokenizer.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::GgufBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const fs::path kFolder = fs::path(KVATLAS_TEST_DATA) / "gguf";

std::vector<std::string> validStrings(std::size_t step) {
  std::vector<std::string> all, some;
  for (const json& entry : readJsonFile(fs::path(KVATLAS_TEST_DATA) / "tokenizers/strings.json"))
    if (entry.is_string()) all.push_back(entry.get<std::string>());
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

class GgufTokenizerGolden : public testing::TestWithParam<const char*> {};

TEST_P(GgufTokenizerGolden, EncodesAsTheReference) {
  const json golden = readJsonFile(kFolder / (std::string(GetParam()) + ".json"));
  const Tokenizer tokenizer = Tokenizer::load(kFolder / (std::string(GetParam()) + ".gguf"));
  const std::vector<std::string> strings = validStrings(golden.at("step").get<std::size_t>());
  const auto before = golden.at("before").get<std::vector<TokenId>>();
  ASSERT_EQ(strings.size(), golden.at("ids").size());
  ASSERT_GE(strings.size(), 500U);
  for (std::size_t i = 0; i < strings.size(); ++i) {
    auto ids = golden.at("ids")[i].get<std::vector<TokenId>>();
    ASSERT_EQ(tokenizer.encode(strings[i], false).ids, ids) << json(strings[i]).dump();
    ids.insert(ids.begin(), before.begin(), before.end());
    ASSERT_EQ(tokenizer.encode(strings[i], true).ids, ids) << json(strings[i]).dump();
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, GgufTokenizerGolden,
                         testing::Values("spm", "smollm", "gpt2", "llama-bpe", "qwen2", "tekken"),
                         [](const auto& kind) {
                           std::string name = kind.param;
                           std::erase(name, '-');
                           return name;
                         });

GgufBuilder sentencePieces() {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "llama");
  builder.texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", "ab", "▁ab", "<|turn|>", "<t>"});
  builder.numbers<float>("tokenizer.ggml.scores", 6, {0, 0, 0, -8, -9, -10, -3, -2, -1, 0, 0});
  builder.numbers<std::int32_t>("tokenizer.ggml.token_type", 5, {2, 3, 3, 1, 1, 1, 1, 1, 1, 3, 4});
  builder.u32("tokenizer.ggml.bos_token_id", 1);
  builder.u32("tokenizer.ggml.eos_token_id", 2);
  builder.u32("tokenizer.ggml.unknown_token_id", 0);
  return builder;
}

GgufBuilder byteLevel(const std::string& pre) {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "gpt2");
  if (!pre.empty()) builder.text("tokenizer.ggml.pre", pre);
  builder.texts("tokenizer.ggml.tokens", {"<b>", "a", "b", "1", "2", "12", "ab"});
  builder.texts("tokenizer.ggml.merges", {"a b", "1 2"});
  builder.numbers<std::int32_t>("tokenizer.ggml.token_type", 5, {3, 1, 1, 1, 1, 1, 1});
  builder.u32("tokenizer.ggml.bos_token_id", 0);
  return builder;
}

class GgufTokenizerRules : public testing::Test {
 protected:
  [[nodiscard]] Tokenizer load(const GgufBuilder& builder) const {
    return Tokenizer::load(m_folder.write("m.gguf", builder.bytes()));
  }
  [[nodiscard]] std::string message(const GgufBuilder& builder) const {
    try {
      (void)load(builder);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  test::ScratchFolder m_folder;
};

TEST_F(GgufTokenizerRules, ScoresSayWhatMergesFirst) {
  const Tokenizer tokenizer = load(sentencePieces());
  EXPECT_THAT(tokenizer.encode("ab", false).ids, ElementsAre(8));
  EXPECT_THAT(tokenizer.encode("aab", false).ids, ElementsAre(6, 7));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{8, 3, 4}), "ab a");
}

TEST_F(GgufTokenizerRules, ControlAndUserTokensAreFoundInAText) {
  const Tokenizer tokenizer = load(sentencePieces());
  EXPECT_THAT(tokenizer.encode("a<|turn|>b<t>", false).ids, ElementsAre(6, 9, 5, 10));
  EXPECT_TRUE(tokenizer.isSpecial(9));
  EXPECT_FALSE(tokenizer.isSpecial(10));
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{6, 9, 5, 10}, true), "ab<t>");
}

TEST_F(GgufTokenizerRules, TheFlagsSayWhatStandsAroundAText) {
  EXPECT_THAT(load(sentencePieces()).encode("ab").ids, ElementsAre(1, 8));
  GgufBuilder none = sentencePieces();
  none.boolean("tokenizer.ggml.add_bos_token", false);
  none.boolean("tokenizer.ggml.add_eos_token", true);
  EXPECT_THAT(load(none).encode("ab").ids, ElementsAre(8, 2));
  EXPECT_EQ(load(none).bos(), 1U);
  EXPECT_EQ(load(none).eos(), 2U);
  GgufBuilder no_prefix = sentencePieces();
  no_prefix.boolean("tokenizer.ggml.add_space_prefix", false);
  EXPECT_THAT(load(no_prefix).encode("ab a", false).ids, ElementsAre(7, 6));
  EXPECT_EQ(load(no_prefix).decode(std::vector<TokenId>{8}), " ab");
  EXPECT_THAT(load(byteLevel("gpt-2")).encode("ab").ids, ElementsAre(6));
  EXPECT_THAT(load(byteLevel("llama-bpe")).encode("ab").ids, ElementsAre(0, 6));
}

TEST_F(GgufTokenizerRules, WordsAreCutByTheRuleOfTheName) {
  EXPECT_THAT(load(byteLevel("")).encode("12", false).ids, ElementsAre(5));
  EXPECT_THAT(load(byteLevel("smollm")).encode("12", false).ids, ElementsAre(3, 4));
  EXPECT_THAT(load(byteLevel("qwen2")).encode("12", false).ids, ElementsAre(3, 4));
  EXPECT_THAT(message(byteLevel("bloom")), HasSubstr("tokenizer.ggml.pre"));
  EXPECT_THAT(message(byteLevel("bloom")), HasSubstr("'bloom'"));
}

TEST_F(GgufTokenizerRules, WhatIsNotATokenizerIsRefusedByKey) {
  GgufBuilder other;
  other.text("tokenizer.ggml.model", "bert");
  EXPECT_THAT(message(other), HasSubstr("'bert'"));
  EXPECT_THAT(message(GgufBuilder()), HasSubstr("tokenizer.ggml.model"));
  GgufBuilder scores;
  scores.text("tokenizer.ggml.model", "llama");
  scores.texts("tokenizer.ggml.tokens", {"a", "b"});
  scores.numbers<float>("tokenizer.ggml.scores", 6, {1});
  EXPECT_THAT(message(scores), HasSubstr("2 scores"));
  GgufBuilder bytes;
  bytes.text("tokenizer.ggml.model", "llama");
  bytes.texts("tokenizer.ggml.tokens", {"a", "\xFF"});
  EXPECT_THAT(message(bytes), HasSubstr("element 1"));
  GgufBuilder id = byteLevel("gpt-2");
  id.u32("tokenizer.ggml.eos_token_id", 7);
  EXPECT_THAT(message(id), HasSubstr("an id of the 7 tokens"));
}

TEST_F(GgufTokenizerRules, IsFoundAndHashedWhereThereIsOne) {
  const auto file = [this](const GgufBuilder& builder) { return m_folder.write("m.gguf", builder.bytes()); };
  EXPECT_TRUE(Tokenizer::isIn(file(sentencePieces())));
  const std::string hash = Tokenizer::sha256(m_folder / "m.gguf");
  EXPECT_EQ(hash.size(), 64U);
  GgufBuilder named = sentencePieces();
  named.text("general.name", "another name, the same tokenizer");
  EXPECT_EQ(Tokenizer::sha256(file(named)), hash);
  GgufBuilder other = sentencePieces();
  other.boolean("tokenizer.ggml.add_eos_token", true);
  EXPECT_NE(Tokenizer::sha256(file(other)), hash);
  EXPECT_FALSE(Tokenizer::isIn(file(GgufBuilder())));
  EXPECT_FALSE(Tokenizer::isIn(m_folder.path()));
  EXPECT_TRUE(Tokenizer::isIn(fs::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama"));
}

TEST_F(GgufTokenizerRules, ChatTemplatesAndThePiecesTheyName) {
  GgufBuilder builder = sentencePieces();
  builder.text("tokenizer.chat_template", "{{ bos_token }}");
  builder.texts("tokenizer.chat_templates", {"tool_use"});
  builder.text("tokenizer.chat_template.tool_use", "{{ tools }}");
  const gguf::ModelFile file(m_folder.write("m.gguf", builder.bytes()));
  const GgufChat chat = readGgufChat(file.metadata());
  ASSERT_EQ(chat.templates.size(), 2U);
  EXPECT_EQ(chat.templates[0].name, "default");
  EXPECT_EQ(chat.templates[0].text, "{{ bos_token }}");
  EXPECT_EQ(chat.templates[1].name, "tool_use");
  EXPECT_EQ(chat.templates[1].text, "{{ tools }}");
  EXPECT_THAT(chat.special_tokens,
              ElementsAre(Pair("bos_token", "<s>"), Pair("eos_token", "</s>"), Pair("unk_token", "<unk>")));
}

}  // namespace
}  // namespace kvatlas::text
