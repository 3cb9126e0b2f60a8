// The text of a capture: spans, notes and generated text, with characters, file names and vocabularies of any kind.
#include <fstream>
#include <iterator>

#include "tests/app/capture_runs.h"
#include "tests/app/spoiled_model.h"

namespace kvatlas::app_test {
namespace {

using nlohmann::json;

class CaptureText : public CaptureTest {};

// The Explorer's list of runs reads the expected answer there.
TEST_F(CaptureText, TheAnswerIsInTheNotes) {
  good({"--text", kText, "--max-new-tokens", "4", "--answer", "48213"});
  const json notes = json::parse(textOf(contents(), "/notes"), nullptr, false);
  EXPECT_EQ(notes.value("answer", ""), "48213");
  good({"--text", kText, "--max-new-tokens", "4"}, "without.kva.h5");
  EXPECT_EQ(textOf(contents("without.kva.h5"), "/notes").find("answer"), std::string::npos);
}

TEST_F(CaptureText, TextOfTheFullRunIsWhatGeneratePrints) {
  good({"--text", kText, "--method", "h2o", "--budget", "40", "--max-new-tokens", "12"});
  const Ended plain = run({"generate", "--model", bundledModel().string(), "--text", kText, "--max-new-tokens", "12"});
  expectDone(plain);
  EXPECT_EQ(plain.out, textOf(contents(), "/runs/000/decode/text") + "\n");
  const Ended both = run({"generate", "--model", bundledModel().string(), "--text", kText, "--max-new-tokens", "12",
                          "--method", "h2o", "--budget", "40", "--json"});
  expectDone(both);
  const json runs = json::parse(both.out);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].at("text"), textOf(contents(), "/runs/000/decode/text"));
  EXPECT_EQ(runs[1].at("text"), textOf(contents(), "/runs/001/decode/text"));
}

TEST_F(CaptureText, IdsHaveNoText) {
  const std::string ids = write("prompt.ids", "[5, 17, 900,\n3 4]\n");
  good({"--ids", ids, "--max-new-tokens", "2"});
  EXPECT_EQ(valuesOf<std::uint32_t>(contents(), "/prompt/ids"), (std::vector<std::uint32_t>{5, 17, 900, 3, 4}));
  EXPECT_EQ(dimsOf(contents(), "/prompt/text"), std::vector<std::uint64_t>{0});
  EXPECT_EQ(valuesOf<std::uint64_t>(contents(), "/prompt/offsets"), std::vector<std::uint64_t>(6, 0));
}

// Every occurrence is marked, and the tokens of a span cover its bytes.
TEST_F(CaptureText, SpansMarkTheirText) {
  good({"--text", kText, "--max-new-tokens", "1", "--span", "needle=The secret number of Emma is 48213.", "--span",
        "name=Emma"});
  const Contents all = contents();
  const auto ranges = valuesOf<std::uint64_t>(all, "/prompt/spans");
  const auto offsets = valuesOf<std::uint64_t>(all, "/prompt/offsets");
  const std::string names_bytes = all.at("/prompt/span_names");
  ASSERT_EQ(ranges.size(), 6U);
  EXPECT_NE(names_bytes.find("needle"), std::string::npos);
  const std::string text(kText);
  int needles = 0;
  for (std::size_t span = 0; span < 3; ++span) {
    const std::uint64_t begin = offsets.at(ranges[2 * span]), end = offsets.at(ranges[2 * span + 1]);
    const std::string covered = text.substr(begin, end - begin);
    const std::string wanted = covered.size() > 20 ? "The secret number of Emma is 48213." : "Emma";
    needles += covered.size() > 20 ? 1 : 0;
    EXPECT_NE(covered.find(wanted), std::string::npos) << covered;
    EXPECT_LT(covered.size(), wanted.size() + 12) << "wider than the tokens at its ends";
  }
  EXPECT_EQ(needles, 1);
}

TEST_F(CaptureText, FileNamesNeedNotBeUtf8) {
  const std::string name = "out\xff.kva.h5";
  const Ended ended = good({"--text", kText, "--max-new-tokens", "1", "--json"}, name);
  EXPECT_FALSE(json::parse(ended.out, nullptr, false).is_discarded()) << ended.out;
  EXPECT_EQ(names(), Words{name});
}

TEST_F(CaptureText, PromptsNeedNotBeUtf8) {
  const std::string file =
      write("prompt.txt", std::string("It is a truth \xff\xfe universally \0 acknowledged \xe2\x82 by Emma", 54));
  const Ended ended = good({"--prompt", file, "--max-new-tokens", "1", "--span", "name=Emma"});
  EXPECT_NE(ended.err.find(file + ": byte 14 is not UTF-8"), std::string::npos) << ended.err;
  EXPECT_TRUE(info().is_object());
  const std::string wide = write("wide.txt", std::string("\xff\xfeI\0t\0", 6));
  EXPECT_NE(good({"--prompt", wide, "--max-new-tokens", "1"}).err.find("UTF-16"), std::string::npos);
}

// Tokens that hold a part of a character.
TEST_F(CaptureText, TablesOfItsTokensAreUtf8) {
  good({"--text", "\u4f60\u597d \u4e16\u754c, said Emma", "--max-new-tokens", "1"});
  expectDone(run({"export", trace(), "tokens", "-o", path("tokens.csv")}));
  std::ifstream file(path("tokens.csv"), std::ios::binary);
  const std::string table((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(table.find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_NO_THROW(static_cast<void>(json(table).dump())) << "dump() throws on what is no UTF-8";
}

// A vocabulary padded beyond the tokenizer: 64 ids, of which the tokenizer has three.
TEST_F(CaptureText, GeneratedIdsWithoutATokenEndNothing) {
  const SpoiledModel model(smallModel(), folder() / "model");
  model.write("tokenizer.json", R"({"added_tokens": [], "normalizer": null, "post_processor": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}})");
  for (const Words& command : {capture({"--method", "snapkv", "--budget", "10"}), Words{"generate"}}) {
    Words words = command;
    words.insert(words.end(), {"--model", model.path(), "--text", "abcabcabcabcabc", "--max-new-tokens", "6"});
    const Ended ended = run(words);
    expectDone(ended);
    const auto warning = ended.err.find("no text: model has a vocabulary of 64 ids, its tokenizer 3");
    ASSERT_NE(warning, std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("no text", warning + 8), std::string::npos) << "said once";
  }
  expectDone(run({"validate", trace()}));
  EXPECT_EQ(dimsOf(contents(), "/runs/000/decode/ids"), (std::vector<std::uint64_t>{6}));
  EXPECT_EQ(info()["model"]["tokenizer_ids"], 3);
  EXPECT_NE(run({"info", trace()}).out.find("vocabulary of 64 ids, padded: the tokenizer has 3"), std::string::npos);
}

}  // namespace
}  // namespace kvatlas::app_test
