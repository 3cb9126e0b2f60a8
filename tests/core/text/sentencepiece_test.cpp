// A tokenizer.model alone: every id against the `sentencepiece` package
// (tests/data/tokenizers/make_sentencepiece_goldens.py), its special tokens, and files that are no model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/text/tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path kTokenizers = std::filesystem::path(KVATLAS_TEST_DATA) / "tokenizers";
const std::filesystem::path kModels = kTokenizers / "sentencepiece";

class SentencePieceGolden : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string textOf(int index) const {
    const json& list = index >= 0 ? strings : golden.at("extra");
    return list[static_cast<std::size_t>(index >= 0 ? index : -1 - index)].get<std::string>();
  }

  const json strings = readJsonFile(kTokenizers / "strings.json");
  const json golden = readJsonFile(kModels / (std::string(GetParam()) + ".json"));
  const Tokenizer tokenizer = Tokenizer::load(kModels / GetParam());
};

TEST_P(SentencePieceGolden, EncodesAsSentencePiece) {
  const json& indices = golden.at("indices");
  ASSERT_GE(indices.size(), 700U);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::string text = textOf(indices[i].get<int>());
    const Encoding encoding = tokenizer.encode(text, false);
    ASSERT_EQ(encoding.ids, golden.at("ids")[i].get<std::vector<TokenId>>()) << json(text).dump();
    ASSERT_EQ(encoding.offsets.size(), encoding.ids.size() + 1);
    ASSERT_EQ(encoding.offsets.back(), text.size());
    ASSERT_TRUE(std::is_sorted(encoding.offsets.begin(), encoding.offsets.end())) << json(text).dump();
  }
}

// SentencePiece writes unknown pieces as " ⁇ "; here they are "<unk>", as in Transformers.
TEST_P(SentencePieceGolden, DecodesAsSentencePiece) {
  std::size_t compared = 0;
  for (std::size_t i = 0; i < golden.at("ids").size(); ++i) {
    const auto ids = golden.at("ids")[i].get<std::vector<TokenId>>();
    const std::string text = textOf(golden.at("indices")[i].get<int>());
    if (std::ranges::find(ids, TokenId{0}) != ids.end()) continue;
    const json& expected = golden.at("text")[i];
    ASSERT_EQ(tokenizer.decode(ids), expected.is_null() ? text : expected.get<std::string>()) << json(text).dump();
    ++compared;
  }
  EXPECT_GT(compared, 100U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SentencePieceGolden, testing::Values("bpe", "bpe-rules", "unigram", "unigram-bytes"),
                         [](const auto& kind) {
                           std::string name = kind.param;
                           std::erase(name, '-');
                           return name;
                         });

class ModelFolder : public testing::Test {
 protected:
  ModelFolder() : m_model(readFile(kModels / "bpe" / "tokenizer.model", 1U << 20)) {
    m_folder.write("tokenizer.model", m_model);
  }
  [[nodiscard]] Tokenizer load() const { return Tokenizer::load(m_folder.path()); }
  [[nodiscard]] std::string refusal(const std::string& bytes) const {
    m_folder.write("tokenizer.model", bytes);
    try {
      static_cast<void>(load());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  test::ScratchFolder m_folder;
  std::string m_model;
};

TEST_F(ModelFolder, HasBosInFrontAndFindsItsSpecialTokens) {
  const Tokenizer tokenizer = load();
  EXPECT_TRUE(Tokenizer::isIn(m_folder.path()));
  EXPECT_EQ(tokenizer.bos(), TokenId{1});
  EXPECT_EQ(tokenizer.eos(), TokenId{2});
  const std::vector<TokenId> plain = tokenizer.encode("the", false).ids;
  std::vector<TokenId> expected{1};
  expected.insert(expected.end(), plain.begin(), plain.end());
  EXPECT_EQ(tokenizer.encode("the").ids, expected);
  // A special token is one id, and what follows it has no blank of its own.
  const std::vector<TokenId> turn = tokenizer.encode("the</s>the", false).ids;
  ASSERT_GT(turn.size(), plain.size() + 1);
  EXPECT_EQ(turn[plain.size()], TokenId{2});
  EXPECT_EQ(tokenizer.decode(turn), "the</s>the");
  EXPECT_NE(std::vector<TokenId>(turn.begin() + static_cast<std::ptrdiff_t>(plain.size()) + 1, turn.end()), plain);
}

TEST_F(ModelFolder, TheConfigBesideItDecidesWhatIsSetAround) {
  m_folder.write("tokenizer_config.json",
                 R"({"tokenizer_class": "LlamaTokenizer", "legacy": true, "add_bos_token": false, "add_eos_token": true,
                     "added_tokens_decoder": {"900": {"content": "<|im_end|>", "special": true}}})");
  const Tokenizer tokenizer = load();
  const std::vector<TokenId> plain = tokenizer.encode("the", false).ids;
  std::vector<TokenId> expected = plain;
  expected.push_back(2);
  EXPECT_EQ(tokenizer.encode("the").ids, expected);
  // "legacy": every part is a text of its own.
  expected = plain;
  expected.push_back(*tokenizer.idOf("<|im_end|>"));
  expected.insert(expected.end(), plain.begin(), plain.end());
  EXPECT_EQ(tokenizer.encode("the<|im_end|>the", false).ids, expected);
}

TEST_F(ModelFolder, ATokenizerJsonCountsFirst) {
  std::filesystem::copy_file(kTokenizers / "gpt2" / "tokenizer.json", m_folder / "tokenizer.json");
  EXPECT_EQ(load().encode("the cat", false).ids, Tokenizer::load(kTokenizers / "gpt2").encode("the cat", false).ids);
}

// Pieces are field 1: length, then text (1), score (2), type (3).
std::string piece(std::string_view text, int type = 1) {
  std::string body;
  body.push_back('\x0A');
  body.push_back(static_cast<char>(text.size()));
  body.append(text);
  body.append("\x15\0\0\0\0\x18", 6);
  body.push_back(static_cast<char>(type));
  std::string field;
  field.push_back('\x0A');
  field.push_back(static_cast<char>(body.size()));
  return field.append(body);
}

TEST_F(ModelFolder, WhatIsNoModelIsRefusedByName) {
  EXPECT_THAT(refusal(""), AllOf(HasSubstr("tokenizer.model"), HasSubstr("no pieces")));
  EXPECT_THAT(refusal("x"), HasSubstr("tokenizer.model"));
  EXPECT_THAT(refusal(m_model.substr(0, m_model.size() / 2 + 3)), HasSubstr("tokenizer.model"));
  EXPECT_THAT(refusal(piece("a")), HasSubstr("unknown"));
  EXPECT_EQ(refusal(piece("<unk>", 2) + piece("a")), "no error");
  EXPECT_THAT(refusal(piece("<unk>", 2) + piece("a") + piece("a")), HasSubstr("twice"));
  EXPECT_THAT(refusal(piece("<unk>", 2) + piece("\xFF")), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(piece("<unk>", 2) + piece("a", 9)), HasSubstr("type 9"));
  EXPECT_THAT(refusal(piece("<unk>", 2).append("\x12\x02\x18\x03")), HasSubstr("model_type 3"));
  EXPECT_THAT(refusal(piece("<unk>", 2).append("\x1A\x06\x12\x04zzzz")), HasSubstr("precompiled_charsmap"));
  EXPECT_THAT(refusal("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), HasSubstr("announces"));
}

// Any bytes end in a tokenizer or in one sentence; what loads encodes and decodes.
TEST_F(ModelFolder, MutatedModelsNeverCrash) {
  std::mt19937 random(5);
  const std::string rules = readFile(kModels / "bpe-rules" / "tokenizer.model", 1U << 20);
  const std::string unigram = readFile(kModels / "unigram" / "tokenizer.model", 1U << 20);
  std::size_t loaded = 0;
  for (int turn = 0; turn < 1500; ++turn) {
    std::string bytes = turn % 3 == 0 ? m_model : turn % 3 == 1 ? rules : unigram;
    for (unsigned change = 0; change < 1 + random() % 6; ++change) {
      // Half of the changes near the end, where the normaliser's table lies.
      const std::size_t at = random() % 2 == 0 ? random() % bytes.size() : bytes.size() - 1 - random() % 400;
      bytes[at] = static_cast<char>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    m_folder.write("tokenizer.model", bytes);
    try {
      const Tokenizer tokenizer = load();
      static_cast<void>(tokenizer.decode(tokenizer.encode("The caf\u00e9 \uff21\ufb01  [user] 12\n\U0001F999").ids));
      ++loaded;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(loaded, 100U);
  EXPECT_LT(loaded, 1400U);
}

// tokenizer_class LlamaTokenizer beside a tokenizer.json, against Transformers 5.24
// (tests/data/tokenizers/make_llama_class_goldens.py).
TEST(LlamaClass, EncodesAsTransformers5) {
  const json golden = readJsonFile(kTokenizers / "llama-class.json");
  for (const json& variant : golden.at("variants")) {
    const test::ScratchFolder folder;
    std::filesystem::copy_file(kTokenizers / "llama2" / "tokenizer.json", folder / "tokenizer.json");
    folder.write("tokenizer_config.json", variant.at("config").dump());
    if (!variant.at("model").is_null()) folder.write("config.json", json{{"model_type", variant.at("model")}}.dump());
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    for (std::size_t i = 0; i < golden.at("texts").size(); ++i) {
      const auto ids = variant.at("ids")[i].get<std::vector<TokenId>>();
      const auto text = golden.at("texts")[i].get<std::string>();
      ASSERT_EQ(tokenizer.encode(text).ids, ids) << variant.at("config").dump() << variant.at("model") << json(text);
      ASSERT_EQ(tokenizer.decode(ids), variant.at("text")[i].get<std::string>()) << variant.at("config").dump();
    }
  }
}

TEST(LlamaClass, SaysWhereTransformers4DoesOtherwise) {
  const test::ScratchFolder folder;
  std::filesystem::copy_file(kTokenizers / "llama2" / "tokenizer.json", folder / "tokenizer.json");
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})");
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  ASSERT_EQ(tokenizer.notices().size(), 1U);
  EXPECT_THAT(tokenizer.notices()[0], AllOf(HasSubstr("Transformers 4"), HasSubstr("legacy")));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "legacy": true})");
  EXPECT_TRUE(Tokenizer::load(folder.path()).notices().empty());
}

}  // namespace
}  // namespace kvatlas::text
