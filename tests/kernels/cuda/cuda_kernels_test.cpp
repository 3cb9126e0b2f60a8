#include <memory>

#include "kernels/attention_tile.h"
#include "kernels/map_pool.h"
#include "kernels/ragged_decode.h"
#include "tests/kernels/cuda/cuda_fixture.h"

namespace kvatlas::kernels {
namespace {

TEST_F(CudaKernels, decodeMatchesReference) {
  for (const std::size_t d : {1, 48, 64, 80, 96, 128, 256, 300}) {
    SCOPED_TRACE(d);
    const std::vector<std::size_t> lengths = {1, 2, 127, 128, 129, d == 64 ? std::size_t{2100} : std::size_t{200}};
    const std::vector<std::size_t> rows = {1, 4, 9, 1, 3, 2};
    const ProbeCase c = randomCase(makeShape(1, 1, 4, d, 1), 0);
    std::vector<std::vector<float>> query, key, value, output, p;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      const auto seed = static_cast<unsigned>(s + 10);
      query.push_back(randomCase(makeShape(1, 1, rows[s], d, 1), 0, 1, seed).query);
      const ProbeCase cache = randomCase(makeShape(1, 1, lengths[s], d, 1), 0, 1, seed + 50);
      key.push_back(cache.key);
      value.push_back(cache.query);
      output.emplace_back(rows[s] * d, -7.0F);
      p.emplace_back(rows[s] * lengths[s], -7.0F);
    }
    std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
    const auto device = [&](const std::vector<float>& v) {
      arrays.push_back(std::make_unique<DeviceArray<float>>(*m_backend, v));
      return arrays.back()->data();
    };
    std::vector<KvatlasCudaSegment> segments;
    std::vector<DecodeSegment> reference;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      segments.push_back(
          {device(query[s]), device(key[s]), device(value[s]), device(output[s]), device(p[s]), rows[s], lengths[s]});
      reference.push_back(
          {query[s].data(), rows[s], key[s].data(), value[s].data(), lengths[s], output[s].data(), p[s].data()});
    }
    const DeviceArray<KvatlasCudaSegment> list(*m_backend, segments);
    KvatlasCudaDecode decode{list.data(), segments.size(), 9, 2100, d, c.shape.scale, kKvatlasF32, nullptr};
    const DeviceArray<char> workspace(*m_backend,
                                      std::vector<char>(m_backend->functions().decode_workspace(&decode), 'x'));
    decode.workspace = workspace.data();
    ASSERT_EQ(m_backend->functions().decode(&decode, nullptr), nullptr);
    raggedDecodeAttentionReference(reference, d, c.shape.scale);
    for (std::size_t s = 0; s < rows.size(); ++s) {
      EXPECT_LE(worstError(arrays[5 * s + 3]->host(), output[s], 0.1), 1e-5) << s;
      EXPECT_LE(worstError(arrays[5 * s + 4]->host(), p[s], 1e-30), 1e-5) << s;
    }
  }
}

// A key that is infinite in one row's logits spoils that row alone.
TEST_F(CudaKernels, decodeMarksRowsThatAreNotFinite) {
  const std::size_t d = 4, length = 1100;
  std::vector<float> query = {0, 0, 0, 1, 1, 0, 0, 0}, key(length * d, 0.5F), value(length * d, 2.0F);
  key[1050 * d + 3] = INFINITY;
  query[3] = 1;
  query[4 + 3] = 0;
  const DeviceArray<float> q(*m_backend, query), k(*m_backend, key), v(*m_backend, value),
      output(*m_backend, std::vector<float>(2 * d));
  const DeviceArray<KvatlasCudaSegment> list(*m_backend,
                                             {{q.data(), k.data(), v.data(), output.data(), nullptr, 2, length}});
  KvatlasCudaDecode decode{list.data(), 1, 2, length, d, 1.0F, kKvatlasF32, nullptr};
  const DeviceArray<char> workspace(*m_backend,
                                    std::vector<char>(m_backend->functions().decode_workspace(&decode), 'x'));
  decode.workspace = workspace.data();
  ASSERT_EQ(m_backend->functions().decode(&decode, nullptr), nullptr);
  EXPECT_TRUE(std::isnan(output.host()[0]));
  // 0 · Inf is NaN too: only a row that sees no such product is whole.
  EXPECT_TRUE(std::isnan(output.host()[d]));
}

TEST_F(CudaKernels, tileMatchesReference) {
  for (const std::size_t d : {7, 64, 80, 128}) {
    for (const std::size_t window : {0, 50}) {
      const TileShape shape{{100, 230}, {60, 161}, d, window, 1.0F / std::sqrt(static_cast<float>(d))};
      const ProbeCase rows = randomCase(makeShape(1, 1, 130, d, 1), 0),
                      keys = randomCase(makeShape(1, 1, 101, d, 1), 0, 1, 9);
      const std::vector<float> lse(130, 3.5F);
      const DeviceArray<float> query(*m_backend, rows.query), key(*m_backend, keys.key), norm(*m_backend, lse);
      for (const TileValue value : {TileValue::kProbability, TileValue::kLogit, TileValue::kLogProbability}) {
        const DeviceArray<float> output(*m_backend, std::vector<float>(std::size_t{130} * 101, 7));
        const KvatlasCudaTile tile{100,          130,         60,
                                   101,          d,           window,
                                   shape.scale,  kKvatlasF32, static_cast<int>(value),
                                   query.data(), key.data(),  norm.data(),
                                   output.data()};
        ASSERT_EQ(m_backend->functions().tile(&tile, nullptr), nullptr);
        std::vector<float> expected(std::size_t{130} * 101);
        ASSERT_TRUE(
            attentionTileReference(shape, {rows.query.data(), keys.key.data(), lse.data()}, value, expected.data())
                .ok());
        const std::vector<float> actual = output.host();
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(isMasked(actual[i]), isMasked(expected[i])) << i;
          if (!isMasked(expected[i])) {
            ASSERT_NEAR(actual[i], expected[i], 1e-5 * std::max(1.0F, std::abs(expected[i]))) << i;
          }
        }
      }
    }
  }
}

TEST_F(CudaKernels, coarsenMatchesTheHost) {
  for (const std::size_t window : {0, 70}) {
    const MapGeometry geometry{300, 16, window};
    const std::size_t n = geometry.cells(), m = (n + 1) / 2, heads = 3;
    std::vector<float> fine = randomCase(makeShape(heads, 1, n, n, 1), 0).query;
    for (std::size_t i = 0; i < fine.size(); ++i)  // cells that see nothing are 0, as in any map
      fine[i] = visiblePairs(geometry, i / n % n, i % n) == 0 ? 0.0F : std::abs(fine[i]);
    const DeviceArray<float> source(*m_backend, fine), mean(*m_backend, std::vector<float>(heads * m * m, 7)),
        max(*m_backend, std::vector<float>(heads * m * m, 7));
    ASSERT_EQ(m_backend->functions().coarsen(heads, 300, 16, window, source.data(), source.data(), mean.data(),
                                             max.data(), nullptr),
              nullptr);
    std::vector<float> expected_mean(heads * m * m), expected_max(heads * m * m);
    for (std::size_t head = 0; head < heads; ++head) {
      coarsenMean(geometry, fine.data() + head * n * n, expected_mean.data() + head * m * m);
      coarsenMax(geometry, fine.data() + head * n * n, expected_max.data() + head * m * m);
    }
    EXPECT_LE(worstError(mean.host(), expected_mean, 1e-30), 1e-6);
    EXPECT_EQ(max.host(), expected_max);
  }
}

TEST_F(CudaKernels, gatherCopiesRowsOfAnySize) {
  const std::vector<std::uint32_t> rows = {0, 3, 4, 5, 11, 2};
  const DeviceArray<std::uint32_t> device_rows(*m_backend, rows);
  for (const std::size_t bytes : {1, 2, 3, 6, 16, 64, 100, 256}) {
    std::vector<unsigned char> source(12 * bytes);
    for (std::size_t i = 0; i < source.size(); ++i) {
      source[i] = static_cast<unsigned char>(i * 31 % 251);
    }
    const DeviceArray<unsigned char> device_source(*m_backend, source);
    const DeviceArray<unsigned char> target(*m_backend, std::vector<unsigned char>(rows.size() * bytes + 1, 77));
    ASSERT_EQ(m_backend->functions().gather(device_source.data(), device_rows.data(), rows.size(), bytes, target.data(),
                                            nullptr),
              nullptr);
    const std::vector<unsigned char> got = target.host();
    for (std::size_t i = 0; i < rows.size() * bytes; ++i) {
      ASSERT_EQ(got[i], source[rows[i / bytes] * bytes + i % bytes]) << bytes;
    }
    EXPECT_EQ(got.back(), 77);
  }
}

}  // namespace
}  // namespace kvatlas::kernels
