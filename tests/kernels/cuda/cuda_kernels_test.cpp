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

struct Decoded {
  std::vector<float> output, probabilities;
};

// One segment of `rows` queries and `length` keys, alone or together with one of `other_rows` and `other_length`.
Decoded decodeBeside(CudaBackend& backend, std::size_t rows, std::size_t length, std::size_t d, std::size_t other_rows,
                     std::size_t other_length) {
  const ProbeCase asked = randomCase(makeShape(1, 1, rows, d, 1), 0, 1, 3),
                  cache = randomCase(makeShape(1, 1, length, d, 1), 0, 1, 4),
                  other =
                      randomCase(makeShape(1, 1, std::max<std::size_t>(other_length, other_rows + 1), d, 1), 0, 1, 5);
  const DeviceArray<float> q(backend, asked.query), k(backend, cache.key), v(backend, cache.query),
      output(backend, std::vector<float>(rows * d)), p(backend, std::vector<float>(rows * length)),
      other_rest(backend, other.key), other_output(backend, std::vector<float>((other_rows + 1) * d));
  std::vector<KvatlasCudaSegment> segments{{q.data(), k.data(), v.data(), output.data(), p.data(), rows, length}};
  if (other_rows > 0)
    segments.push_back({other_rest.data(), other_rest.data(), other_rest.data(), other_output.data(), nullptr,
                        other_rows, other_length});
  const DeviceArray<KvatlasCudaSegment> list(backend, segments);
  KvatlasCudaDecode decode{
      list.data(), segments.size(), std::max(rows, other_rows), std::max(length, other_length), d, 0.125F,
      kKvatlasF32, nullptr};
  const DeviceArray<char> workspace(backend, std::vector<char>(backend.functions().decode_workspace(&decode), 'x'));
  decode.workspace = workspace.data();
  EXPECT_EQ(backend.functions().decode(&decode, nullptr), nullptr);
  return {output.host(), p.host()};
}

// Kernels for few and for many rows at once, and parts of different lengths, sum in the same order.
TEST_F(CudaKernels, decodeGivesTheSameBitsInAnyBatch) {
  for (const std::size_t d : {40, 128, 200}) {
    SCOPED_TRACE(d);
    const Decoded alone = decodeBeside(*m_backend, 3, 300, d, 0, 0);
    for (const auto& [rows, length] : {std::pair<std::size_t, std::size_t>{1, 1}, {9, 20}, {2, 2100}}) {
      const Decoded beside = decodeBeside(*m_backend, 3, 300, d, rows, length);
      EXPECT_EQ(beside.output, alone.output) << rows;
      EXPECT_EQ(beside.probabilities, alone.probabilities) << rows;
    }
  }
}

// Long enough that several blocks write a row's probabilities.
TEST_F(CudaKernels, decodeOfALongCacheMatchesReference) {
  const std::size_t rows = 2, length = 16500, d = 2;
  const Decoded decoded = decodeBeside(*m_backend, rows, length, d, 0, 0);
  const std::vector<float> query = randomCase(makeShape(1, 1, rows, d, 1), 0, 1, 3).query;
  const ProbeCase cache = randomCase(makeShape(1, 1, length, d, 1), 0, 1, 4);
  std::vector<float> output(rows * d), p(rows * length);
  std::vector<DecodeSegment> segments{
      {query.data(), rows, cache.key.data(), cache.query.data(), length, output.data(), p.data()}};
  raggedDecodeAttentionReference(segments, d, 0.125F);
  EXPECT_LE(worstError(decoded.output, output, 0.1), 1e-5);
  EXPECT_LE(worstError(decoded.probabilities, p, 1e-30), 1e-5);
}

// A key with an infinite logit in one row affects only that row.
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
  // 0 · Inf is NaN too: only a row without such a product stays finite.
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
    for (std::size_t i = 0; i < fine.size(); ++i)  // cells without visible pairs are 0, as in any map
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
