// The device benchmark on the CPU with a small shape: what it runs and counts.
#include "capture/bench/gpu_bench.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <utility>

#include "capture/model/memory_plan.h"
#include "core/base/error.h"

namespace kvatlas::capture::test {
namespace {

GpuBenchOptions smallBench(std::vector<std::uint32_t> lengths) {
  GpuBenchOptions options{.device = "cpu", .lengths = std::move(lengths), .repeat = 1, .new_tokens = 3, .map_size = 64};
  options.shape = llama3Shape();
  options.shape.layers = 2;
  options.shape.query_heads = 4;
  options.shape.kv_heads = 2;
  options.shape.head_dim = 16;
  options.shape.hidden_size = 64;
  options.shape.intermediate_size = 96;
  options.shape.vocab_size = 200;
  return options;
}

std::vector<GpuBenchRow> rowsOf(const GpuBenchOptions& options, GpuBenchReport& report) {
  std::vector<GpuBenchRow> rows;
  benchGpu(options, {}, [&](const GpuBenchReport& said, const GpuBenchRow& row) {
    report = said;
    rows.push_back(row);
  });
  return rows;
}

TEST(GpuBench, everyLengthIsMeasured) {
  const GpuBenchOptions options = smallBench({600, 700});
  GpuBenchReport report;
  const std::vector<GpuBenchRow> rows = rowsOf(options, report);
  EXPECT_EQ(report.machine, "CPU, f32");
  ASSERT_EQ(rows.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(rows[i].tokens, options.lengths[i]);
    for (const double seconds : {rows[i].probe, rows[i].library, rows[i].pooling, rows[i].prefill, rows[i].capture,
                                 rows[i].full_decode, rows[i].branches})
      EXPECT_GT(seconds, 0);
    EXPECT_TRUE(rows[i].missing.empty());
    const double flops = 2.0 * 16 * 4 * 0.5 * rows[i].tokens * (rows[i].tokens + 1.0);
    EXPECT_NEAR(rows[i].probe_tflops, flops / rows[i].probe / 1e12, 1e-9);
  }
}

TEST(GpuBench, whatIsNotMeasuredHasAReason) {
  GpuBenchOptions options = smallBench({64, 600});
  options.library_most = 64;
  options.layers = 1;
  GpuBenchReport report;
  const std::vector<GpuBenchRow> rows = rowsOf(options, report);
  EXPECT_NE(report.shape.find("here with 1 layers"), std::string::npos) << report.shape;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_GT(rows[0].library, 0);
  EXPECT_EQ(rows[1].library, 0);
  EXPECT_EQ(rows[1].missing, std::vector<std::string>{"library-only path: not measured beyond 64 tokens"});
}

TEST(GpuBench, ABaselineThatDoesNotFitIsLeftOutWithItsReason) {
  std::vector<std::string> missing;
  EXPECT_EQ(measureOrNote("one", missing, [] { return 2.0; }), 2.0);
  EXPECT_TRUE(missing.empty());
  EXPECT_EQ(measureOrNote("two", missing,
                          []() -> double {
                            TORCH_CHECK_WITH(OutOfMemoryError, false,
                                             "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total");
                            return 1;
                          }),
            0);
  EXPECT_EQ(measureOrNote("three", missing, []() -> double { throw std::bad_alloc(); }), 0);
  EXPECT_EQ(missing, (std::vector<std::string>{"two: CUDA out of memory. Tried to allocate 20.00 GiB.",
                                               "three: out of memory"}));
  // Errors of KVAtlas itself are not swallowed.
  EXPECT_THROW(static_cast<void>(measureOrNote("four", missing, []() -> double { fail("wrong"); })), Error);
}

// The memory plan filters the default lengths; lengths named by the user stay.
TEST(GpuBench, LengthsThatDoNotFitAreLeftOutAndNamed) {
  const ModelConfig shape = llama3Shape();
  const std::vector<std::uint32_t> all{2048, 32768, 131072};
  std::uint64_t card = 0;
  const auto lacking = [&](std::uint32_t tokens) {
    const MemoryQuestion question{
        .tokens = tokens, .new_tokens = 32, .element_bytes = 2, .row_chunk = 8192, .branches = 17};
    const std::vector<DeviceMemory> devices{{0, card, card}};
    return placeLayers(memoryNeed(shape, question), devices) ? std::string()
                                                             : outOfMemoryText(shape, question, devices, 1);
  };
  std::vector<std::string> warned;
  const auto warn = [&](const std::string& text) { warned.push_back(text); };
  card = 80'000'000'000;
  EXPECT_EQ(fittingLengths(all, lacking, warn), all);
  EXPECT_TRUE(warned.empty());
  card = 30'000'000'000;
  EXPECT_EQ(fittingLengths(all, lacking, warn), (std::vector<std::uint32_t>{2048, 32768}));
  ASSERT_EQ(warned.size(), 1U);
  EXPECT_NE(warned[0].find("131072 tokens: needs "), std::string::npos) << warned[0];
  card = 8'000'000'000;
  try {
    static_cast<void>(fittingLengths(all, lacking, warn));
    FAIL() << "nothing fits on 8 GB";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no length fits: needs "), std::string::npos) << error.what();
  }
}

TEST(GpuBench, withoutADeviceThereIsOneSentence) {
  GpuBenchOptions options{.device = "cuda:99", .shape = llama3Shape()};
  EXPECT_THROW(benchGpu(options, {}, [](const auto&, const auto&) { FAIL(); }), Error);
}

}  // namespace
}  // namespace kvatlas::capture::test
