// A GGUF file instead of a model folder in capture, generate, tokenize and bench; and a truncated one.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

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

TEST_F(GgufFile, IsATokenizer) {
  const Ended none = run({"detokenize", "--tokenizer", stored("spm.gguf"), "--jsonl"});
  expectDone(none);
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
