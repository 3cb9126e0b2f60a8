// The bench of a device, on the CPU with a small shape: what it runs and counts.
#include "capture/session/gpu_bench.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvatlas::capture::test {
namespace {

TEST(GpuBench, everyLengthIsMeasured) {
  GpuBenchOptions options{.device = "cpu", .lengths = {600, 700}, .repeat = 1, .new_tokens = 3, .map_size = 64};
  options.shape = llama3Shape();
  options.shape.layers = 2;
  options.shape.query_heads = 4;
  options.shape.kv_heads = 2;
  options.shape.head_dim = 16;
  options.shape.hidden_size = 64;
  options.shape.intermediate_size = 96;
  options.shape.vocab_size = 200;
  std::vector<GpuBenchRow> rows;
  GpuBenchReport report;
  benchGpu(options, {}, [&](const GpuBenchReport& said, const GpuBenchRow& row) {
    report = said;
    rows.push_back(row);
  });
  EXPECT_EQ(report.machine, "CPU, f32");
  ASSERT_EQ(rows.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(rows[i].tokens, options.lengths[i]);
    for (const double seconds :
         {rows[i].probe, rows[i].library, rows[i].prefill, rows[i].capture, rows[i].full_decode, rows[i].branches})
      EXPECT_GT(seconds, 0);
    const double flops = 2.0 * 16 * 4 * 0.5 * rows[i].tokens * (rows[i].tokens + 1.0);
    EXPECT_NEAR(rows[i].probe_tflops, flops / rows[i].probe / 1e12, 1e-9);
  }
}

TEST(GpuBench, withoutADeviceThereIsOneSentence) {
  GpuBenchOptions options{.device = "cuda:99", .shape = llama3Shape()};
  EXPECT_THROW(benchGpu(options, {}, [](const auto&, const auto&) { FAIL(); }), Error);
}

}  // namespace
}  // namespace kvatlas::capture::test
