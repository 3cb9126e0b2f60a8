// Every statistic of a capture against Transformers' attention, for the model families.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "capture/recorder/capture.h"
#include "core/base/files.h"
#include "core/trace/reader.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kWindow = 8;

const GoldenRun& runOf40(const Golden& golden) {
  return *std::ranges::find_if(golden.runs, [](const GoldenRun& run) { return run.ids.size() == 40; });
}

std::string idsText(const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) + " ";
  return text;
}

// Values in the order of statistics.f32.
class Expected {
 public:
  explicit Expected(const std::string& model)
      : m_bytes(readFile(std::filesystem::path(KVATLAS_TEST_DATA) / "models" / model / "statistics.f32")) {}

  std::vector<float> next(std::size_t count) {
    std::vector<float> values(count);
    if (m_at + count * sizeof(float) > m_bytes.size()) throw std::runtime_error("statistics.f32 is too short");
    std::memcpy(values.data(), m_bytes.data() + m_at, count * sizeof(float));
    m_at += count * sizeof(float);
    return values;
  }
  [[nodiscard]] bool finished() const { return m_at == m_bytes.size(); }

 private:
  std::string m_bytes;
  std::size_t m_at = 0;
};

class Statistics : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path captured() {
    const Golden golden = loadGolden(GetParam());
    CaptureOptions options;
    options.session.model = modelFolder(GetParam());
    options.session.prompt.ids_file = m_scratch.write("ids.txt", idsText(runOf40(golden).ids));
    options.session.window = kWindow;
    options.session.max_new_tokens = 20;
    options.session.device = "cpu";
    options.session.threads = 1;  // small models gain nothing from more
    options.output = m_scratch / "out.kva.h5";
    (void)runCapture(options, {});
    return options.output;
  }

  ScratchFolder m_scratch;
};

// Relative to the largest: log₂ codes of window_rows have a step of 0.03 %.
void expectClose(const std::vector<float>& ours, const std::vector<float>& expected, const char* name) {
  ASSERT_EQ(ours.size(), expected.size()) << name;
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(double{expected[i]}));
    const double difference = std::abs(double{ours[i]} - expected[i]);
    error = std::max(error, std::isnan(difference) ? INFINITY : difference);
  }
  EXPECT_LE(error, (std::string(name) == "window_rows" ? 4e-4 : 1e-4) * largest) << name;
}

TEST_P(Statistics, AgreeWithTransformers) {
  const trace::Reader reader(captured());
  const trace::ModelInfo& model = reader.header().model;
  Expected expected(GetParam());
  const std::size_t tokens = 40;
  for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
    SCOPED_TRACE(layer);
    for (const Signal signal : {Signal::Lse, Signal::Entropy, Signal::Received, Signal::WindowSum})
      expectClose(*reader.signal(LayerIndex(layer), signal), expected.next(model.query_heads * tokens),
                  nameOf(signal).c_str());
    expectClose(*reader.signal(LayerIndex(layer), Signal::WindowRows),
                expected.next(model.query_heads * kWindow * tokens), "window_rows");
    for (const Signal signal : {Signal::KeyNorm, Signal::ValueNorm})
      expectClose(*reader.signal(LayerIndex(layer), signal), expected.next(model.kv_heads * tokens),
                  nameOf(signal).c_str());
  }
  EXPECT_TRUE(expected.finished());
  const Golden golden = loadGolden(GetParam());
  EXPECT_EQ(reader.run(0)->decode_ids, runOf40(golden).greedy);
  EXPECT_TRUE(trace::validate(reader.path()).empty());
}

TEST_P(Statistics, ExpertsAreThoseOfTheRouter) {
  const trace::Reader reader(captured());
  const Golden golden = loadGolden(GetParam());
  const GoldenRun& run = runOf40(golden);
  const auto use = reader.experts();
  ASSERT_EQ(use.has_value(), !run.expert_tokens.empty());
  if (!use) return;
  EXPECT_EQ(use->tokens, run.expert_tokens);
  ASSERT_EQ(use->weight.size(), run.expert_weight.size());
  for (std::size_t i = 0; i < use->weight.size(); ++i) EXPECT_NEAR(use->weight[i], run.expert_weight[i], 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Variants, Statistics,
                         testing::Values("llama2-gqa", "mistral-window", "qwen2", "qwen3", "qwen3-biases", "qwen2-yarn",
                                         "mixtral", "mixtral-stacked", "granite"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace kvatlas::capture::test
