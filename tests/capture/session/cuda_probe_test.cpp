// From tensors through the CUDA library's interface and back, with CPU kernels behind it.
#include "capture/session/device/cuda_probe.h"

#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/capture/session/host_cuda_library.h"

namespace kvatlas::capture::test {
namespace {

const kernels::ProbeShape kShape{4, 2, 50, 16, 8, 0, 0.25F};

TEST(CudaProbe, resultsReachTheHost) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  const at::Tensor query = at::randn({4, 50, 16}), key = at::randn({2, 50, 16});
  const auto run = [&](auto&& probe) {
    std::vector<float> received(200), entropy(200), rows(1600), mean(4 * 49);
    const kernels::ProbeOutput output{.entropy = entropy.data(),
                                      .received = received.data(),
                                      .window_rows = rows.data(),
                                      .map_mean = mean.data(),
                                      .cell = 8};
    EXPECT_TRUE(probe(output).ok());
    received.insert(received.end(), entropy.begin(), entropy.end());
    received.insert(received.end(), rows.begin(), rows.end());
    received.insert(received.end(), mean.begin(), mean.end());
    return received;
  };
  const auto device = run([&](const kernels::ProbeOutput& output) {
    return beginProbe(library, kShape, query, key, {}, output, kKvatlasProbePlain).finish();
  });
  const auto host = run([&](const kernels::ProbeOutput& output) {
    return kernels::attentionProbe(kShape, {query.const_data_ptr<float>(), key.const_data_ptr<float>()}, output, 1);
  });
  EXPECT_EQ(device, host);
}

TEST(CudaProbe, arraysGetTheirSizeAndValuesAtTheEnd) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  const at::Tensor query = at::randn({4, 50, 16}), key = at::randn({2, 50, 16});
  std::vector<float> expected_rows(1600), expected_map(4 * 49), rows(7, 3.0F), map;
  const kernels::ProbeOutput expected{.window_rows = expected_rows.data(), .map_max = expected_map.data(), .cell = 8};
  static_cast<void>(beginProbe(library, kShape, query, key, {}, expected, kKvatlasProbePlain).finish());
  const ProbeArrays arrays{.window_rows = &rows, .map_max = &map, .cell = 8};
  PendingProbe pending = beginProbe(library, kShape, query, key, {}, arrays, kKvatlasProbePlain);
  EXPECT_EQ(rows.size(), 7U) << "finish() allocates";
  EXPECT_TRUE(pending.finish().ok());
  EXPECT_EQ(rows, expected_rows);
  EXPECT_EQ(map, expected_map);
}

TEST(CudaProbe, ofRowsOnlyTheLastOneReachesTheHost) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  const at::Tensor query = at::randn({4, 50, 16}), key = at::randn({2, 50, 16});
  std::vector<float> all, alone, beside, rows;
  const auto run = [&](const ProbeArrays& arrays) {
    EXPECT_TRUE(beginProbe(library, kShape, query, key, {}, arrays, kKvatlasProbePlain).finish().ok());
  };
  run({.window_rows = &all});
  run({.last_row = &alone});
  run({.window_rows = &rows, .last_row = &beside});
  EXPECT_EQ(rows, all);
  EXPECT_EQ(beside, alone);
  ASSERT_EQ(alone.size(), 4U * 50U);
  for (std::size_t head = 0; head < 4; ++head)
    EXPECT_TRUE(std::equal(alone.begin() + static_cast<std::ptrdiff_t>(head * 50),
                           alone.begin() + static_cast<std::ptrdiff_t>((head + 1) * 50),
                           all.begin() + static_cast<std::ptrdiff_t>((head * 8 + 7) * 50)))
        << head;
}

TEST(CudaProbe, aValueThatIsNotFiniteIsReportedWithItsPlace) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  const at::Tensor query = at::randn({4, 50, 16}), key = at::randn({2, 50, 16});
  key[1][20][3] = NAN;
  std::vector<float> received(200);
  const kernels::ProbeReport report =
      beginProbe(library, kShape, query, key, {}, {.received = received.data()}, kKvatlasProbePlain).finish();
  EXPECT_EQ(report.bad_head, 2);
  EXPECT_EQ(report.bad_query, 20);
}

struct Fallback {
  int wrong_from, gives_up_at;  // paths of that number; −1: none
  KvatlasProbePath expected;
  std::size_t warnings;
};
class SelfCheck : public testing::TestWithParam<Fallback> {};

TEST_P(SelfCheck, fallsBackAndSaysSo) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  HostCudaBehaviour& behaviour = hostCudaBehaviour();
  if (GetParam().wrong_from >= 0) behaviour.wrong[GetParam().wrong_from] = true;
  if (GetParam().gives_up_at >= 0) behaviour.gives_up[GetParam().gives_up_at] = true;
  std::vector<std::string> said;
  const at::Tensor query = at::randn({4, 700, 64});
  const auto warn = [&](const std::string& text) { said.push_back(text); };
  EXPECT_EQ(checkedProbePath(library, query, warn), GetParam().expected);
  ASSERT_EQ(said.size(), GetParam().warnings);
  for (const std::string& text : said) EXPECT_THAT(text, testing::HasSubstr("fails its self-check"));
  const int probes = behaviour.probes;
  EXPECT_EQ(checkedProbePath(library, query, warn), GetParam().expected);
  EXPECT_EQ(behaviour.probes, probes) << "checked once";
  EXPECT_EQ(said.size(), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(Paths, SelfCheck,
                         testing::Values(Fallback{-1, -1, kKvatlasProbeWgmma, 0}, Fallback{2, -1, kKvatlasProbeMma, 1},
                                         Fallback{-1, 2, kKvatlasProbeMma, 1}, Fallback{2, 1, kKvatlasProbePlain, 2}));

TEST(CudaProbe, thePathTheDeviceHasIsTheMost) {
  const kernels::CudaLibrary& library = makeHostCudaLibrary();
  hostCudaBehaviour().best_path = kKvatlasProbePlain;
  EXPECT_EQ(checkedProbePath(library, at::randn({4, 20, 64}), [](const std::string&) { FAIL(); }), kKvatlasProbePlain);
  EXPECT_EQ(hostCudaBehaviour().probes, 0);
}

}  // namespace
}  // namespace kvatlas::capture::test
