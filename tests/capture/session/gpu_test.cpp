// A whole run on a CUDA device against Transformers and against the CPU; skipped without a device.
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "capture/model/block_pooling.h"
#include "capture/model/library_probe.h"
#include "capture/session/device/cuda_probe.h"
#include "capture/session/device/device.h"
#include "capture/session/session.h"
#include "core/base/error.h"
#include "kernels/visible_pairs.h"
#include "tests/capture/model/golden.h"
#include "tests/support/expected_gpu.h"

namespace kvatlas::capture::test {
namespace {

class Gpu : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    try {
      m_f32 = chooseDevices("cuda", "f32");
    } catch (const Error& error) {
      if (kvatlas::test::gpuIsExpected()) FAIL() << error.what();
      GTEST_SKIP() << error.what();
    }
  }

  [[nodiscard]] std::vector<TokenId> prompt() const {
    const Golden golden = loadGolden(GetParam());
    return std::ranges::max_element(golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
  }

  struct Run {
    SessionResult result;
    std::vector<LayerStatistics> layers;
  };

  [[nodiscard]] Run run(const std::string& device, const std::string& dtype) const {
    const ScratchFolder scratch;
    std::string text;
    for (const TokenId id : prompt()) text += std::to_string(id) + " ";
    SessionOptions options{.model = modelFolder(GetParam())};
    options.prompt.ids_file = scratch.write("ids.txt", text);
    for (const char* method : {"streamingllm", "h2o", "snapkv:kernel=3", "pyramidkv"})
      options.methods.push_back(policy::parseMethod(method));
    for (const char* budget : {"12", "50%"}) options.budgets.push_back(policy::parseBudget(budget));
    options.window = 4;
    options.max_new_tokens = 6;
    options.device = device;
    options.dtype = dtype;
    Session session(options, {});
    session.loadWeights({});
    session.watchAttended();
    Run run;
    session.setLayerSink([&](const LayerAttention&, LayerStatistics& layer) { run.layers.push_back(layer); },
                         {.wanted = alwaysMeasured(), .map_cell = 4, .window = session.window()},
                         std::vector<bool>(session.config().layers, true));
    run.result = session.run({});
    return run;
  }

  DeviceChoice m_f32;
};

TEST_P(Gpu, logitsAgreeWithTransformers) {
  const Golden golden = loadGolden(GetParam());
  const Decoder decoder = Decoder::load(modelFolder(GetParam()), m_f32.load, {});
  for (const GoldenRun& run : golden.runs) {
    const at::Tensor logits = decoder.allLogits(run.ids);
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < run.positions.size(); ++i) {
      const at::Tensor row = logits[run.positions[i]].contiguous();
      for (std::size_t token = 0; token < golden.vocab; ++token) {
        const double expected = run.logits[i * golden.vocab + token], actual = row.const_data_ptr<float>()[token];
        largest = std::max(largest, std::abs(expected));
        error = std::max(error, std::isnan(actual) ? INFINITY : std::abs(actual - expected));
      }
    }
    EXPECT_LE(error, 1e-4 * largest) << run.ids.size() << " tokens";
  }
}

void expectNear(const std::vector<float>& a, const std::vector<float>& b, double tolerance, std::string_view what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::isnan(a[i]) != std::isnan(b[i]) ? INFINITY
                          : std::isnan(a[i])                   ? 0.0
                                                               : static_cast<double>(std::abs(a[i] - b[i])));
  EXPECT_LE(most, tolerance) << what;
}

TEST_P(Gpu, aSessionIsTheCpusInF32) {
  const Run cpu = run("cpu", "f32"), gpu = run("cuda", "f32");
  ASSERT_EQ(cpu.layers.size(), gpu.layers.size());
  for (std::size_t layer = 0; layer < cpu.layers.size(); ++layer) {
    const LayerStatistics &a = gpu.layers[layer], &b = cpu.layers[layer];
    EXPECT_EQ(a.layer.value, layer) << "layers arrive in order";
    for (const SignalInfo& info : signalTable())
      expectNear(a.values[info.signal], b.values[info.signal], info.signal == Signal::Lse ? 1e-4 : 1e-3, info.name);
    expectNear(a.map_mean, b.map_mean, 1e-3, "map_mean");
    expectNear(a.map_max, b.map_max, 1e-3, "map_max");
  }
  for (std::size_t branch = 0; branch < cpu.result.branches.size(); ++branch) {
    SCOPED_TRACE(cpu.result.branches[branch].label);
    if (gpu.result.branches[branch].decision.positions != cpu.result.branches[branch].decision.positions)
      continue;  // a tie
    EXPECT_EQ(gpu.result.tracks[branch].ids, cpu.result.tracks[branch].ids);
    expectNear(gpu.result.tracks[branch].kl, cpu.result.tracks[branch].kl, 1e-3, "kl");
    expectNear(gpu.result.tracks[branch].rows.retained, cpu.result.tracks[branch].rows.retained, 1e-3, "retained");
    const Attended &a = gpu.result.tracks[branch].rows.attended, &b = cpu.result.tracks[branch].rows.attended;
    ASSERT_FALSE(b.positions.empty());
    expectNear(a.mass, b.mass, 1e-3, "mass of attended keys");
    for (std::size_t i = 0; i < b.positions.size(); ++i) {
      if (a.positions[i] != b.positions[i]) {
        EXPECT_LE(std::abs(a.mass[i] - b.mass[i]), 1e-5) << "attended key " << i << ", unless the next is as large";
      }
    }
  }
}

TEST_P(Gpu, twoRunsGiveTheSameBytes) {
  for (const char* dtype : {"f32", "bf16"}) {
    const Run a = run("cuda", dtype), b = run("cuda", dtype);
    EXPECT_EQ(a.result.next_logits, b.result.next_logits);
    for (std::size_t branch = 0; branch < a.result.branches.size(); ++branch) {
      EXPECT_EQ(a.result.branches[branch].decision.positions, b.result.branches[branch].decision.positions);
      EXPECT_EQ(a.result.tracks[branch].ids, b.result.tracks[branch].ids);
      EXPECT_EQ(a.result.tracks[branch].rows.attended.positions, b.result.tracks[branch].rows.attended.positions);
      EXPECT_EQ(a.result.tracks[branch].rows.attended.mass, b.result.tracks[branch].rows.attended.mass);
    }
    for (std::size_t layer = 0; layer < a.layers.size(); ++layer) {
      EXPECT_EQ(a.layers[layer].values[Signal::Received], b.layers[layer].values[Signal::Received]);
      EXPECT_EQ(a.layers[layer].map_mean, b.layers[layer].map_mean);
      EXPECT_EQ(a.layers[layer].values[Signal::WindowRows], b.layers[layer].values[Signal::WindowRows]);
    }
  }
}

std::vector<float> onHost(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU).contiguous();
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
}

// At a length too long for a double-precision reference: the device's best probe path in bf16 against library calls in
// f32.
class GpuProbe : public testing::Test {
 protected:
  static constexpr std::int64_t kTokens = 8229, kHeads = 4, kKvHeads = 2, kDim = 128, kCell = 64;
  static constexpr std::int64_t kCells = (kTokens + kCell - 1) / kCell;

  void SetUp() override {
    try {
      m_choice = chooseDevices("cuda", "bf16");
    } catch (const Error& error) {
      if (kvatlas::test::gpuIsExpected()) FAIL() << error.what();
      GTEST_SKIP() << error.what();
    }
  }

  DeviceChoice m_choice;
};

TEST_F(GpuProbe, agreesWithTheLibraryPathAtLength) {
  const at::TensorOptions bf16 = at::TensorOptions().dtype(at::kBFloat16).device(m_choice.load.device);
  const at::Tensor query = at::randn({kHeads, kTokens, kDim}, bf16), key = at::randn({kKvHeads, kTokens, kDim}, bf16);
  const LibraryStatistics library = libraryProbe(query.to(at::kFloat), key.to(at::kFloat), kCell);
  std::vector<float> received(kHeads * kTokens), entropy(kHeads * kTokens), mean(kHeads * kCells * kCells);
  const kernels::ProbeShape shape{kHeads, kKvHeads, kTokens, kDim, 0, 0, 1.0F / std::sqrt(128.0F)};
  const kernels::ProbeOutput output{
      .entropy = entropy.data(), .received = received.data(), .map_mean = mean.data(), .cell = kCell};
  const KvatlasProbePath path =
      checkedProbePath(cudaKernels(), query, [](const std::string& text) { ADD_FAILURE() << text; });
  ASSERT_TRUE(beginProbe(cudaKernels(), shape, query, key, library.lse, output, path).finish().ok());
  const std::vector<float> expected = onHost(library.received), rows = onHost(library.entropy),
                           sums = onHost(library.map_sum);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max<double>(worst, std::abs(received[i] - expected[i]) / std::max(expected[i], 1e-3F));
    worst = std::max<double>(worst, std::abs(entropy[i] - rows[i]) / std::max(rows[i], 1.0F));
  }
  EXPECT_LE(worst, 1e-3) << "column sums and entropy";
  worst = 0;
  for (std::int64_t i = 0; i < kHeads * kCells * kCells; ++i) {
    const auto row = static_cast<std::size_t>(i / kCells % kCells), column = static_cast<std::size_t>(i % kCells);
    const std::size_t pairs = kernels::countVisiblePairs(kernels::cellTokens(row, kCell, kTokens),
                                                         kernels::cellTokens(column, kCell, kTokens), 0);
    const auto at = static_cast<std::size_t>(i);
    worst =
        std::max<double>(worst, std::abs(mean[at] * static_cast<float>(pairs) - sums[at]) / std::max(sums[at], 1e-3F));
  }
  EXPECT_LE(worst, 1e-2) << "map sums";
}

TEST_F(GpuProbe, largestValuesAreThoseOfThePoolingBaseline) {
  const at::TensorOptions bf16 = at::TensorOptions().dtype(at::kBFloat16).device(m_choice.load.device);
  const at::Tensor query = at::randn({kHeads, kTokens, kDim}, bf16), key = at::randn({kKvHeads, kTokens, kDim}, bf16);
  std::vector<float> largest(kHeads * kCells * kCells);
  const kernels::ProbeShape shape{kHeads, kKvHeads, kTokens, kDim, 0, 0, 1.0F / std::sqrt(128.0F)};
  const KvatlasProbePath path =
      checkedProbePath(cudaKernels(), query, [](const std::string& text) { ADD_FAILURE() << text; });
  ASSERT_TRUE(
      beginProbe(cudaKernels(), shape, query, key, {}, {.map_max = largest.data(), .cell = kCell}, path).finish().ok());
  const std::vector<float> pooled = onHost(blockMaxPooling(query.to(at::kFloat), key.to(at::kFloat), kCell));
  for (std::size_t row = 0; row < largest.size(); row += kCells) {
    float sum = 0;
    for (std::size_t i = row; i < row + kCells; ++i) sum += largest[i];
    for (std::size_t i = row; i < row + kCells; ++i) ASSERT_NEAR(largest[i] / sum, pooled[i], 1e-4) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Gpu,
                         testing::Values("llama1-mha", "llama2-gqa", "llama32-tied", "biases", "mistral-window",
                                         "tiny-llama"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace kvatlas::capture::test
