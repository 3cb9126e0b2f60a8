// What goldens cannot show: byte offsets, the vocabulary's face, refusal of hostile files, long texts.
#include "core/text/tokenizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::text {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kKinds = std::filesystem::path(KVATLAS_TEST_DATA) / "tokenizers";

// A byte-level tokenizer of single bytes and the pair "ab".
json tinyByteLevel() {
  json vocab;
  const std::string printable = "!\"#$%&'()*+,-./0123456789abcdefghijklmnopqrstuvwxyz";
  for (std::size_t i = 0; i < printable.size(); ++i) vocab[std::string(1, printable[i])] = i;
  vocab["ab"] = printable.size();
  return {{"version", "1.0"},
          {"added_tokens", json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array({"a b"})}}}};
}

class TokenizerFolder : public testing::Test {
 protected:
  TokenizerFolder() { std::filesystem::create_directories(folder); }
  ~TokenizerFolder() override { std::filesystem::remove_all(folder); }

  Tokenizer load(const json& contents) {
    writeFileAtomically(folder / "tokenizer.json", contents.dump());
    return Tokenizer::load(folder);
  }
  // The complaint about the document, "accepted" when there is none.
  std::string refusal(const json& contents) {
    try {
      static_cast<void>(load(contents));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  json document = tinyByteLevel();
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      fmt::format("kvatlas-tokenizer-{}-{}", ::getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST(TokenizerOffsets, SplitCharactersGiveEachTokenItsBytes) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "mistral");
  const Encoding encoding = tokenizer.encode("\U0001FAE0", false);  // in no training text: ▁ and four bytes
  EXPECT_THAT(encoding.offsets, ElementsAre(0, 0, 1, 2, 3, 4));
}

// Each character of a byte-level piece stands for one byte.
TEST(TokenizerOffsets, ByteLevelTokensCoverAsManyBytesAsTheirPieceHasCharacters) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama3");
  const std::string text = "The men\t were naïve: \U0001FAE0 中文, don't ಕ್ಷ 12345\r\n";
  const Encoding encoding = tokenizer.encode(text, false);
  bool splits_a_character = false;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const std::string_view piece = tokenizer.piece(encoding.ids[i]);
    const auto characters = std::count_if(piece.begin(), piece.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_EQ(encoding.offsets[i + 1] - encoding.offsets[i], static_cast<std::uint64_t>(characters)) << piece;
    splits_a_character = splits_a_character || (text[encoding.offsets[i]] & 0xC0) == 0x80;
  }
  EXPECT_TRUE(splits_a_character);
}

TEST(TokenizerOffsets, BytesOfPlainTokensSpellTheirPiece) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama2");
  const std::string text = "  the  men were\tnaïve 中文, don't";
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_EQ(encoding.offsets[0], 0u);
  EXPECT_EQ(encoding.offsets[1], 0u);  // BOS covers nothing
  for (std::size_t i = 1; i < encoding.ids.size(); ++i) {
    std::string piece(tokenizer.piece(encoding.ids[i]));
    if (piece.size() == 6 && piece.starts_with("<0x")) continue;
    for (std::size_t at = piece.find("▁"); at != piece.npos; at = piece.find("▁")) piece.replace(at, 3, 1, ' ');
    if (i == 1) piece.erase(0, 1);  // the mark that the normaliser set before the text
    EXPECT_EQ(text.substr(encoding.offsets[i], encoding.offsets[i + 1] - encoding.offsets[i]), piece) << i;
  }
}

TEST(TokenizerOffsets, InvalidBytesKeepTheirPlaces) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama3");
  const std::string text =
      "a\xF0\x9F\x98"
      "b";  // three bytes, one U+FFFD of three bytes
  const Encoding encoding = tokenizer.encode(text, false);
  ASSERT_GE(encoding.ids.size(), 3u);
  EXPECT_EQ(encoding.offsets[1], 1u);
  EXPECT_EQ(encoding.offsets[encoding.ids.size() - 1], 4u);
  EXPECT_EQ(encoding.offsets.back(), 5u);
  EXPECT_EQ(tokenizer.decode(encoding.ids),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(TokenizerOffsets, StrippedBlanksBelongToTheAddedToken) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "mistral");
  const Encoding encoding = tokenizer.encode("x  [BOTH]\n y", false);
  const auto both = std::find(encoding.ids.begin(), encoding.ids.end(), tokenizer.idOf("[BOTH]").value());
  ASSERT_NE(both, encoding.ids.end());
  const auto at = static_cast<std::size_t>(both - encoding.ids.begin());
  EXPECT_EQ(encoding.offsets[at], 1u);
  EXPECT_EQ(encoding.offsets[at + 1], 11u);
}

TEST(TokenizerOffsets, DecodedBytesOfASplitCharacterBelongToTheirTokens) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama2");
  const auto byte = [&](const char* piece) { return tokenizer.idOf(piece).value(); };
  const std::vector<TokenId> ids{1, byte("<0xC3>"), byte("<0xA9>"), byte("<0xFF>")};
  const Decoded valid = tokenizer.decodeWithOffsets(std::span(ids).first(3), true);
  EXPECT_EQ(valid.text, "é");
  EXPECT_THAT(valid.offsets, ElementsAre(0, 0, 1, 2));
  const Decoded invalid = tokenizer.decodeWithOffsets(ids, true);  // one bad byte spoils its run
  EXPECT_EQ(invalid.text, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_THAT(invalid.offsets, ElementsAre(0, 0, 3, 6, 9));
}

TEST(TokenizerVocabulary, FaceOfTheVocabulary) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama2");
  EXPECT_EQ(tokenizer.idOf("<s>"), 1u);
  EXPECT_EQ(tokenizer.piece(1), "<s>");
  EXPECT_TRUE(tokenizer.isSpecial(1));
  EXPECT_FALSE(tokenizer.isSpecial(tokenizer.idOf("[LEFT]").value()));
  EXPECT_EQ(tokenizer.idOf("no such piece"), std::nullopt);
  const TokenId beyond = static_cast<TokenId>(tokenizer.vocabularySize());
  EXPECT_FALSE(tokenizer.has(beyond));
  EXPECT_THROW(static_cast<void>(tokenizer.piece(beyond)), Error);
}

// As in Transformers: a model whose vocabulary is padded generates such ids.
TEST(TokenizerVocabulary, IdsWithoutAPieceGiveNoText) {
  const Tokenizer tokenizer = Tokenizer::load(kKinds / "llama2");
  const std::vector<TokenId> ids = tokenizer.encode("Hello world", false).ids;
  std::vector<TokenId> padded{static_cast<TokenId>(tokenizer.vocabularySize())};
  for (const TokenId id : ids) padded.insert(padded.end(), {id, ~TokenId{0}});
  const Decoded decoded = tokenizer.decodeWithOffsets(padded);
  EXPECT_EQ(decoded.text, tokenizer.decode(ids));
  ASSERT_EQ(decoded.offsets.size(), padded.size() + 1);
  for (std::size_t i = 0; i < padded.size(); i += 2) EXPECT_EQ(decoded.offsets[i], decoded.offsets[i + 1]) << i;
}

TEST_F(TokenizerFolder, NamedTokensComeFromTheConfig) {
  EXPECT_EQ(load(document).bos(), std::nullopt);
  writeFileAtomically(folder / "tokenizer_config.json", R"({"bos_token": "ab", "eos_token": {"content": "z"}})");
  const Tokenizer tokenizer = load(document);
  EXPECT_EQ(tokenizer.bos(), tokenizer.idOf("ab"));
  EXPECT_EQ(tokenizer.eos(), tokenizer.idOf("z"));
  writeFileAtomically(folder / "tokenizer_config.json", R"({"bos_token": 3})");
  EXPECT_THAT(refusal(document), HasSubstr("tokenizer_config.json: field 'bos_token': expected a string"));
}

struct BesideTokenizer {
  const char *config, *other_name, *other;
  std::vector<TokenId> ids;  // what AutoTokenizer of Transformers 5.24 makes of the text
};

// The last id of the "llama2" tokenizer is 1408.
TEST_F(TokenizerFolder, TokensOfTheFilesBesideItAreAdded) {
  const json llama2 = readJsonFile(kKinds / "llama2" / "tokenizer.json");
  const std::string text = "<|im_start|>user\nHello  <x> world<|im_end|> the\n";
  const std::vector<BesideTokenizer> cases{
      {R"({"bos_token": "<s>", "eos_token": "<|im_end|>", "added_tokens_decoder": {
            "1411": {"content": "<x>", "special": false, "lstrip": true, "normalized": false},
            "1409": {"content": "<|im_start|>", "special": true, "normalized": false},
            "1410": {"content": "<|im_end|>", "special": true, "normalized": false, "rstrip": true}}})",
       nullptr,
       nullptr,
       {1, 1409, 625, 716, 313, 259, 284, 302, 578, 311, 1411, 514, 1036, 592, 1410, 566, 259}},
      {R"({"bos_token": "<s>", "eos_token": "<|im_end|>"})",
       "added_tokens.json",
       R"({"<x>": 1411, "<|im_end|>": 1410, "<|im_start|>": 1409})",
       {1, 1409, 316, 716, 313, 259, 284, 302, 578, 311, 514, 1411, 1036, 592, 1410, 514, 566, 259}},
      {"{}",
       "special_tokens_map.json",
       R"({"bos_token": "<s>", "additional_special_tokens": ["<|im_start|>"],
           "eos_token": {"content": "<|im_end|>", "lstrip": false, "rstrip": true, "normalized": false}})",
       {1, 1410, 625, 716, 313, 259, 284, 302, 578, 311, 514, 514, 63, 123, 65, 1036, 592, 1409, 566, 259}},
      {R"({"bos_token": "<s>", "eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>", "<x>"]})",
       nullptr,
       nullptr,
       {1, 1410, 625, 716, 313, 259, 284, 302, 578, 311, 514, 514, 1411, 514, 1036, 592, 1409, 514, 566, 259}}};
  for (const BesideTokenizer& beside : cases) {
    for (const char* name : {"added_tokens.json", "special_tokens_map.json"}) std::filesystem::remove(folder / name);
    writeFileAtomically(folder / "tokenizer_config.json", beside.config);
    if (beside.other_name != nullptr) writeFileAtomically(folder / beside.other_name, beside.other);
    const Tokenizer tokenizer = load(llama2);
    EXPECT_EQ(tokenizer.encode(text).ids, beside.ids) << beside.config;
    EXPECT_EQ(tokenizer.bos(), 1U);
    EXPECT_EQ(tokenizer.eos(), tokenizer.idOf("<|im_end|>"));
    EXPECT_TRUE(tokenizer.isSpecial(tokenizer.eos().value()));
    EXPECT_THAT(tokenizer.notices(), testing::IsEmpty());
  }
}

TEST_F(TokenizerFolder, AStatedIdThatIsNotTheNextIsTold) {
  writeFileAtomically(folder / "tokenizer_config.json", R"({"added_tokens_decoder": {"1414": {"content": "<y>"}}})");
  const Tokenizer tokenizer = load(readJsonFile(kKinds / "llama2" / "tokenizer.json"));
  EXPECT_EQ(tokenizer.idOf("<y>"), 1409U);
  EXPECT_THAT(tokenizer.notices(), ElementsAre(testing::AllOf(HasSubstr("'<y>'"), HasSubstr("1414"))));
  for (const char* wrong : {R"({"x": {"content": "<y>"}})", R"({"4294967296": {"content": "<y>"}})",
                            R"({"1409": {"lstrip": true}})", R"({"1409": 3})", "[3]"}) {
    writeFileAtomically(folder / "tokenizer_config.json", fmt::format(R"({{"added_tokens_decoder": {}}})", wrong));
    EXPECT_THAT(refusal(document), HasSubstr("tokenizer_config.json: added_tokens_decoder")) << wrong;
  }
}

TEST_F(TokenizerFolder, ManyStatedIdsAreToldInShort) {
  json wanted;
  for (int i = 0; i < 256; ++i) wanted[std::to_string(2000 + i)] = {{"content", fmt::format("<reserved {}>", i)}};
  writeFileAtomically(folder / "tokenizer_config.json", json{{"added_tokens_decoder", wanted}}.dump());
  const Tokenizer tokenizer = load(readJsonFile(kKinds / "llama2" / "tokenizer.json"));
  ASSERT_EQ(tokenizer.notices().size(), 4U);
  EXPECT_THAT(tokenizer.notices()[2], HasSubstr("'<reserved 2>'"));
  EXPECT_THAT(tokenizer.notices()[3], HasSubstr("253 more tokens"));
}

// Transformers 5 ignores both beside a tokenizer.json; Transformers 4 obeys them for Llama's own class.
TEST_F(TokenizerFolder, ThePostProcessorDecidesWhatIsSetAround) {
  const json llama2 = readJsonFile(kKinds / "llama2" / "tokenizer.json");
  for (const char* family : {"PreTrainedTokenizerFast", "LlamaTokenizerFast"}) {
    writeFileAtomically(folder / "tokenizer_config.json",
                        fmt::format(R"({{"tokenizer_class": "{}", "bos_token": "<s>", "eos_token": "</s>",
                                        "add_bos_token": false, "add_eos_token": true}})",
                                    family));
    const Tokenizer tokenizer = load(llama2);
    EXPECT_EQ(tokenizer.encode(" the").ids.front(), 1U);
    EXPECT_NE(tokenizer.encode(" the").ids.back(), 2U);
    EXPECT_EQ(tokenizer.notices().size(), std::string_view(family).starts_with("Llama") ? 3U : 0U);
  }
}

TEST_F(TokenizerFolder, AVocabJsonAloneIsToldWhatToRun) {
  writeFileAtomically(folder / "vocab.json", "{}");
  try {
    static_cast<void>(Tokenizer::load(folder));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("vocab.json alone"), HasSubstr("save_pretrained")));
  }
}

TEST_F(TokenizerFolder, MissingAndBrokenFiles) {
  EXPECT_THROW(static_cast<void>(Tokenizer::load(folder)), Error);
  EXPECT_THROW(static_cast<void>(Tokenizer::load(folder / "none")), Error);
  writeFileAtomically(folder / "tokenizer.json", R"({"model": )");
  EXPECT_THROW(static_cast<void>(Tokenizer::load(folder)), Error);
  writeFileAtomically(folder / "tokenizer.json", std::string(200000, '['));
  EXPECT_THROW(static_cast<void>(Tokenizer::load(folder)), Error);
  for (const char* text : {"[]", "3", "null", "{}", "\"x\""}) {
    EXPECT_THAT(refusal(json::parse(text)), HasSubstr("tokenizer.json")) << text;
  }
  EXPECT_EQ(refusal(document), "accepted");
}

TEST_F(TokenizerFolder, HostileVocabularies) {
  const auto with = [&](const char* pointer, const json& value) {
    json changed = document;
    changed[json::json_pointer(pointer)] = value;
    return refusal(changed);
  };
  EXPECT_THAT(with("/model/vocab", json::array({"a"})), HasSubstr("model.vocab"));
  EXPECT_THAT(with("/model/vocab/zz", "7"), HasSubstr("'zz'"));
  EXPECT_THAT(with("/model/vocab/zz", -1), HasSubstr("'zz'"));
  EXPECT_THAT(with("/model/vocab/zz", 1.5), HasSubstr("'zz'"));
  EXPECT_THAT(with("/model/vocab/zz", 4000000000u), HasSubstr("4000000000"));
  EXPECT_THAT(with("/model/vocab/zz", 18446744073709551615u), HasSubstr("'zz'"));
  EXPECT_THAT(with("/model/vocab/zz", 0), HasSubstr("both have the id 0"));
  EXPECT_THAT(with("/model/merges", "a b"), HasSubstr("model.merges"));
  EXPECT_THAT(with("/model/merges", json::array({"ab"})), HasSubstr("model.merges[0]"));
  EXPECT_THAT(with("/model/merges", json::array({"a b", "a b c"})), HasSubstr("model.merges[1]"));
  EXPECT_THAT(with("/model/merges", json::array({json::array({"a"})})), HasSubstr("model.merges[0]"));
  EXPECT_THAT(with("/model/merges", json::array({json::array({"a", 3})})), HasSubstr("model.merges[0]"));
  EXPECT_THAT(with("/model/merges", json::array({"a Q"})), HasSubstr("'Q' is not in the vocabulary"));
  EXPECT_THAT(with("/model/merges", json::array({"a c"})), HasSubstr("'ac' is not in the vocabulary"));
  EXPECT_THAT(with("/model/type", "Unigram"), HasSubstr("'Unigram' is not supported"));
  EXPECT_THAT(with("/model/dropout", 0.1), HasSubstr("model.dropout"));
  EXPECT_THAT(with("/model/unk_token", "??"), HasSubstr("'?\?' is not in the vocabulary"));
  EXPECT_THAT(with("/model/byte_fallback", "yes"), HasSubstr("model.byte_fallback"));
  EXPECT_THAT(with("/model/end_of_word_suffix", "</w>"), HasSubstr("end_of_word_suffix"));
}

TEST_F(TokenizerFolder, ComponentsThatAreNotSupportedAreNamed) {
  const auto with = [&](const char* key, const char* value) {
    json changed = document;
    changed[key] = json::parse(value);
    return refusal(changed);
  };
  EXPECT_THAT(with("normalizer", R"({"type": "Lowercase"})"), HasSubstr("normalizer 'Lowercase' is not supported"));
  EXPECT_THAT(with("normalizer", R"({"type": "Sequence", "normalizers": [{"type": "Nmt"}]})"),
              HasSubstr("normalizers[0]"));
  EXPECT_THAT(with("normalizer", R"({"type": "Replace", "pattern": "x", "content": "y"})"),
              HasSubstr("normalizer.pattern"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type": "BertPreTokenizer"})"), HasSubstr("'BertPreTokenizer'"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})"),
              HasSubstr("pre_tokenizer.pattern.Regex"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "[a[bc]]"}, "behavior": "Isolated"})"),
              HasSubstr("inside of []"));
  EXPECT_THAT(with("pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Around"})"),
              HasSubstr("'Around'"));
  EXPECT_THAT(
      with("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})"),
      HasSubstr("'Digits' after ByteLevel"));
  EXPECT_THAT(with("post_processor", R"({"type": "BertProcessing"})"), HasSubstr("'BertProcessing'"));
  EXPECT_THAT(with("post_processor", R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})"),
              HasSubstr("post_processor.single"));
  EXPECT_THAT(with("post_processor", R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}],
                    "special_tokens": {"x": {"ids": [9999]}}})"),
              HasSubstr("9999"));
  EXPECT_THAT(with("decoder", R"({"type": "WordPiece"})"), HasSubstr("decoder 'WordPiece'"));
  EXPECT_THAT(with("added_tokens", R"([{"content": "ab", "id": 3}, {"content": "new", "id": 2}])"),
              HasSubstr("added_tokens[1]"));
  EXPECT_THAT(with("added_tokens", R"([{"content": "new", "id": 1e9}])"), HasSubstr("added_tokens[0].id"));
  EXPECT_THAT(with("added_tokens", R"([{"id": 1}])"), HasSubstr("'content' is missing"));
  std::string nested = R"({"type": "Strip"})";
  for (int depth = 0; depth < 60; ++depth)
    nested = std::string(R"({"type": "Sequence", "normalizers": [)").append(nested).append("]}");
  EXPECT_THAT(with("normalizer", nested.c_str()), HasSubstr("nested deeper than 64 levels"));
}

// A pattern that backtracks without end is given up, not waited for.
TEST_F(TokenizerFolder, RunawayPatternsAreGivenUp) {
  document["pre_tokenizer"] = json::parse(
      R"({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  const Tokenizer tokenizer = load(document);
  EXPECT_THROW(static_cast<void>(tokenizer.encode(std::string(5000, 'a') + "b")), Error);
}

TEST(TokenizerThreads, OneTokenizerServesSeveral) {
  for (const char* kind : {"llama3", "llama2", "gpt2"}) {
    const Tokenizer tokenizer = Tokenizer::load(kKinds / kind);
    const auto work = [&] {
      std::vector<TokenId> all;
      for (int i = 0; i < 200; ++i) {
        const Encoding encoding = tokenizer.encode(fmt::format("the men {} [WORD] weren't 中文\n", i));
        all.insert(all.end(), encoding.ids.begin(), encoding.ids.end());
        static_cast<void>(tokenizer.decode(encoding.ids));
      }
      return all;
    };
    const std::vector<TokenId> expected = work();
    std::vector<std::future<std::vector<TokenId>>> results;
    for (int i = 0; i < 4; ++i) results.push_back(std::async(std::launch::async, work));
    for (auto& result : results) EXPECT_EQ(result.get(), expected);
  }
}

// A text without a place to cut is one word: this ends soon only where merging takes n log n steps.
TEST(TokenizerLongTexts, OneCharacterRepeated) {
  for (const char* kind : {"llama3", "gpt2", "digits", "llama2", "mistral", "metaspace", "unknown", "dropped"}) {
    const Tokenizer tokenizer = Tokenizer::load(kKinds / kind);
    for (const char* unit : {"a", " ", "\n", "0", "<", "\xFF", "中"}) {
      std::string text;
      while (text.size() < 100000) text += unit;
      const Encoding encoding = tokenizer.encode(text);
      EXPECT_EQ(encoding.offsets.back(), text.size());
      static_cast<void>(tokenizer.decode(encoding.ids));
    }
  }
}

}  // namespace
}  // namespace kvatlas::text
