// Captures of 16k and 64k tokens by the real programme: invariants of every head of every layer.
// tests/kernels/large_probe_test.cpp checks the kernels' values at these lengths.
#include <nlohmann/json.hpp>

#include "tests/app/programme.h"
#include "tests/app/spoiled_model.h"

namespace kvatlas::app_test {
namespace {

class LargeCapture : public ProgrammeTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(LargeCapture, MassEntropyAndMapsHoldOnEveryHead) {
  const std::size_t tokens = GetParam();
  const SpoiledModel model(smallModel(), folder() / "model");
  model.editJson("config.json", [&](nlohmann::json& config) { config["max_position_embeddings"] = 2 * GetParam(); });
  const Ended ended = run(capture({"--model", model.path(), "--ids", write("ids", idsText(tokens, 64)), "--method",
                                   "snapkv", "--method", "h2o", "--budget", "256", "--max-new-tokens", "2"}));
  expectDone(ended);
  // The whole process stays below an eighth of one head's float32 matrix.
  if (tokens > 16384) {
    EXPECT_LT(ended.peak_bytes, tokens * tokens * 4 / 8);
  }
  // validate checks: window rows and column sums against their number of queries, entropy within 0 … ln(visible keys),
  // the mass of maps, and map levels against each other.
  const Ended valid = run({"validate", trace()});
  expectDone(valid);
  EXPECT_NE(valid.out.find("valid"), std::string::npos) << valid.out;
  const Ended info = run({"info", trace(), "--json"});
  expectDone(info);
  const auto layers = nlohmann::json::parse(info.out)["attention"]["layers"];
  ASSERT_EQ(layers.size(), 3U);
  for (const auto& layer : layers) EXPECT_FALSE(layer["members"].empty());
}

INSTANTIATE_TEST_SUITE_P(Tokens, LargeCapture, testing::Values(16384, 65536), testing::PrintToStringParamName());

}  // namespace
}  // namespace kvatlas::app_test
