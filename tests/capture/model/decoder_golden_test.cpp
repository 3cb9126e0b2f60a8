// Logits and greedy continuations against Hugging Face Transformers, for every variant of the model families.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

class GoldenModel : public testing::TestWithParam<const char*> {
 private:
  OneThread m_one_thread;
};

void expectLogits(const at::Tensor& logits, const GoldenRun& run, std::size_t vocab) {
  ASSERT_EQ(logits.size(0), static_cast<std::int64_t>(run.ids.size()));
  ASSERT_EQ(logits.size(1), static_cast<std::int64_t>(vocab));
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < run.positions.size(); ++i) {
    const at::Tensor row = logits[run.positions[i]].contiguous();
    const float* ours = row.const_data_ptr<float>();
    for (std::size_t token = 0; token < vocab; ++token) {
      const double expected = run.logits[i * vocab + token];
      largest = std::max(largest, std::abs(expected));
      error = std::max(error, std::isnan(ours[token]) ? INFINITY : std::abs(ours[token] - expected));
    }
  }
  EXPECT_LE(error, 1e-4 * largest);
  testing::Test::RecordProperty("relative_error", testing::PrintToString(error / largest));
}

TEST_P(GoldenModel, LogitsAgreeWithTransformers) {
  const Golden golden = loadGolden(GetParam());
  for (const std::int64_t chunk : {std::int64_t{0}, std::int64_t{7}}) {
    const Decoder decoder = Decoder::load(modelFolder(GetParam()), {.row_chunk = chunk}, {});
    for (const GoldenRun& run : golden.runs) {
      SCOPED_TRACE(testing::Message() << run.ids.size() << " tokens in chunks of " << chunk);
      expectLogits(decoder.allLogits(run.ids), run, golden.vocab);
    }
  }
}

TEST_P(GoldenModel, GreedyContinuationsAgreeTokenForToken) {
  const Golden golden = loadGolden(GetParam());
  const Decoder decoder = Decoder::load(modelFolder(GetParam()), {}, {});
  for (const GoldenRun& run : golden.runs)
    EXPECT_EQ(decodeGreedy(decoder, run.ids, run.greedy.size()), run.greedy) << run.ids.size();
}

TEST_P(GoldenModel, FingerprintIsTheSha256OfNameSizeAndHeader) {
  EXPECT_EQ(Decoder::load(modelFolder(GetParam()), {}, {}).weightsFingerprint(), loadGolden(GetParam()).fingerprint);
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenModel,
                         testing::Values("llama1-mha", "llama2-gqa", "llama3-theta", "llama31-scaling", "llama32-tied",
                                         "linear", "dynamic", "head-dim", "biases", "mistral", "mistral-window", "bf16",
                                         "f16", "sharded", "qwen2", "qwen2-tied", "qwen3", "qwen3-biases", "qwen2-yarn",
                                         "yarn-mscale", "longrope", "mixtral", "mixtral-stacked", "granite",
                                         "tiny-llama"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace kvatlas::capture::test
