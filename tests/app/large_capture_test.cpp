// Captures of 16k and 64k tokens by the programme itself: what has to hold for every head of every layer, whoever
// computed it. The kernels' own values at these lengths are tests/kernels/large_probe_test.cpp's.
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
  // The whole programme never takes an eighth of what the float32 matrix of one head would.
  if (tokens > 16384) {
    EXPECT_LT(ended.peak_bytes, tokens * tokens * 4 / 8);
  }
  // Every finding of validate is one of: a row of the window or all columns do not sum to their number of queries,
  // entropy outside 0 … ln(visible keys), a map that holds another mass, levels that do not follow from each other.
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
