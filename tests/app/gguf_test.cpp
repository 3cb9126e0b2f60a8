// A GGUF file where a model folder is taken: capture, generate, tokenize, bench; and one that is cut off.
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
