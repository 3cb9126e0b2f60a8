// The library probe against KVAtlas's probe and against double precision.
#include "capture/model/library_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "kernels/attention_probe.h"

namespace kvatlas::capture {
namespace {

using kernels::ProbeOutput;
using kernels::ProbeShape;

struct Case {
  std::int64_t query_heads, kv_heads, tokens, d, bin;
};

struct Statistics {
  std::vector<float> lse, entropy, received, map_mean;
};

Statistics run(const Case& c, const at::Tensor& query, const at::Tensor& key,
               kernels::ProbeReport (*probe)(const ProbeShape&, const kernels::ProbeInput&, const ProbeOutput&)) {
  const auto rows = static_cast<std::size_t>(c.query_heads * c.tokens);
  const auto n = static_cast<std::size_t>((c.tokens + c.bin - 1) / c.bin);
  Statistics s{std::vector<float>(rows), std::vector<float>(rows), std::vector<float>(rows),
               std::vector<float>(static_cast<std::size_t>(c.query_heads) * n * n)};
  const ProbeShape shape{.query_heads = static_cast<std::size_t>(c.query_heads),
                         .kv_heads = static_cast<std::size_t>(c.kv_heads),
                         .tokens = static_cast<std::size_t>(c.tokens),
                         .head_dim = static_cast<std::size_t>(c.d),
                         .scale = 1.0F / std::sqrt(static_cast<float>(c.d))};
  const ProbeOutput output{.lse = s.lse.data(),
                           .entropy = s.entropy.data(),
                           .received = s.received.data(),
                           .map_mean = s.map_mean.data(),
                           .cell = static_cast<std::size_t>(c.bin)};
  EXPECT_TRUE(probe(shape, {query.const_data_ptr<float>(), key.const_data_ptr<float>()}, output).ok());
  return s;
}

double worst(const at::Tensor& actual, const std::vector<float>& expected, double floor) {
  const at::Tensor values = actual.contiguous();
  double most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(values.const_data_ptr<float>()[i]) - expected[i]) /
                              std::max<double>(std::abs(expected[i]), floor));
  return most;
}

// Mean cells back to sums: a map cell counts only its visible pairs.
std::vector<float> sums(const Case& c, const std::vector<float>& mean) {
  const std::int64_t n = (c.tokens + c.bin - 1) / c.bin;
  std::vector<float> all;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const std::int64_t row = static_cast<std::int64_t>(i) / n % n, column = static_cast<std::int64_t>(i) % n;
    std::int64_t pairs = 0;
    for (std::int64_t q = row * c.bin; q < std::min(c.tokens, (row + 1) * c.bin); ++q)
      for (std::int64_t k = column * c.bin; k < std::min(c.tokens, (column + 1) * c.bin); ++k) pairs += k <= q ? 1 : 0;
    all.push_back(mean[i] * static_cast<float>(pairs));
  }
  return all;
}

TEST(LibraryProbe, agreesWithTheProbeAndTheReference) {
  for (const Case& c :
       {Case{2, 1, 1, 16, 4}, Case{4, 2, 130, 64, 16}, Case{2, 2, 257, 80, 2}, Case{2, 1, 300, 128, 32}}) {
    SCOPED_TRACE(c.tokens);
    const at::Tensor query = at::randn({c.query_heads, c.tokens, c.d}), key = at::randn({c.kv_heads, c.tokens, c.d});
    const LibraryStatistics library = libraryProbe(query, key, c.bin);
    const auto ours = [](const ProbeShape& s, const kernels::ProbeInput& i, const ProbeOutput& o) {
      return kernels::attentionProbe(s, i, o, 1);
    };
    for (const Statistics& s : {run(c, query, key, kernels::attentionProbeReference), run(c, query, key, ours)}) {
      EXPECT_LE(worst(library.lse, s.lse, 1.0), 5e-6);
      EXPECT_LE(worst(library.received, s.received, 1e-3), 5e-5);
      EXPECT_LE(worst(library.entropy, s.entropy, 0.1), 5e-5);
      EXPECT_LE(worst(library.map_sum, sums(c, s.map_mean), 1e-3), 1e-4);
    }
  }
}

TEST(LibraryProbe, everyQuerysMassIsReceivedOnce) {
  const at::Tensor query = at::randn({2, 500, 64}), key = at::randn({2, 500, 64});
  const LibraryStatistics library = libraryProbe(query, key);
  EXPECT_NEAR(library.received.sum().item<float>(), 2 * 500, 0.05);
  EXPECT_FALSE(library.map_sum.defined());
}

TEST(LibraryProbe, refusesOtherTypes) {
  const at::Tensor half = at::randn({1, 4, 16}).to(at::kBFloat16);
  EXPECT_THROW(static_cast<void>(libraryProbe(half, half)), Error);
}

}  // namespace
}  // namespace kvatlas::capture
