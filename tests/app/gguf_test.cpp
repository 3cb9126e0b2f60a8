// A GGUF file instead of a model folder in capture, generate, tokenize and bench; and a truncated one.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using nlohmann::json;

std::string stored(const std::string& name) {
  return (std::filesystem::path(KVATLAS_TEST_DATA) / "gguf" / name).string();
}

class GgufFile : public ProgrammeTest {};

TEST_F(GgufFile, IsCaptured) {
  const std::string ids = write("prompt.ids", idsText(24, 64));
  expectDone(run(capture({"--model", stored("quantised.gguf"), "--ids", ids, "--method", "snapkv", "--budget", "12",
                          "--max-new-tokens", "3"})));
  const Ended info = run({"info", "--json", trace()});
  expectDone(info);
  const json model = json::parse(info.out).at("model");
  EXPECT_EQ(model.at("name"), "quantised");
  EXPECT_EQ(model.at("weights_fingerprint").get<std::string>().size(), 64U);
  expectDone(run({"validate", trace()}));
}

TEST_F(GgufFile, InfoNamesTheExpertsOfAModel) {
  const std::string ids = write("prompt.ids", idsText(24, 64));
  const std::string model = (std::filesystem::path(KVATLAS_TEST_DATA) / "models/mixtral").string();
  expectDone(run(capture({"--model", model, "--ids", ids, "--max-new-tokens", "2"})));
  const Ended info = run({"info", trace()});
  expectDone(info);
  EXPECT_NE(info.out.find("5 experts in every layer, 2 per token"), std::string::npos) << info.out;
  expectDone(run({"validate", trace()}));
  expectDone(run({"export", trace(), "experts", "-o", path("experts.csv")}));
}

TEST_F(GgufFile, IsGeneratedFrom) {
  const std::string ids = write("prompt.ids", idsText(24, 64));
  expectDone(run({"generate", "--model", stored("quantised.gguf"), "--ids", ids, "--max-new-tokens", "3"}));
}

// As Transformers reads the tokenizer of the same file (tests/data/gguf/make_gguf_goldens.py).
TEST_F(GgufFile, IsATokenizer) {
  std::ifstream golden_file(stored("spm.json"));
  std::ifstream strings_file(std::filesystem::path(KVATLAS_TEST_DATA) / "tokenizers/strings.json");
  const json golden = json::parse(golden_file), all = json::parse(strings_file);
  std::string texts, ids;
  std::size_t valid = 0, lines = 0;
  for (const json& text : all) {
    if (!text.is_string() || valid++ % golden.at("step").get<std::size_t>() != 0) continue;
    texts += text.dump() + "\n";
    ids += golden.at("ids").at(lines++).dump() + "\n";
  }
  ASSERT_EQ(lines, golden.at("ids").size());
  const Words tokenizer{"--tokenizer", stored("spm.gguf"), "--jsonl", "--no-special"};
  const auto converted = [&](const char* command, const std::string& input) {
    Words words{command};
    words.insert(words.end(), tokenizer.begin(), tokenizer.end());
    const Ended ended = run(words, {.input_file = write("input.jsonl", input)});
    expectDone(ended);
    return ended.out;
  };
  const auto values = [](const std::string& text) {
    std::vector<json> list;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) list.push_back(json::parse(line));
    return list;
  };
  EXPECT_EQ(values(converted("tokenize", texts)), values(ids));
  // Back to the text, where no special token and no unknown character stood in it.
  const std::vector<json> back = values(converted("detokenize", ids)), before = values(texts);
  ASSERT_EQ(back.size(), before.size());
  std::size_t equal = 0;
  for (std::size_t i = 0; i < back.size(); ++i) equal += back[i] == before[i] ? 1U : 0U;
  EXPECT_GT(equal, back.size() * 9 / 10);
}

TEST_F(GgufFile, CutOffIsRefusedInOneLine) {
  const std::string ids = write("prompt.ids", idsText(24, 64));
  std::ifstream in(stored("quantised.gguf"), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  bytes.resize(bytes.size() - 100);
  const std::string model = write("cut.gguf", bytes);
  expectRefused(run(capture({"--model", model, "--ids", ids})), 1, {"cut.gguf", "truncated"});
  expectRefused(run(capture({"--model", path("absent.gguf"), "--ids", ids})), 1, {"absent.gguf"});
}

}  // namespace
}  // namespace kvatlas::app_test
