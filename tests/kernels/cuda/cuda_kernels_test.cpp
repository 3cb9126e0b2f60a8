#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "kernels/ragged_decode.h"
#include "tests/kernels/cuda/cuda_backend.h"
#include "tests/kernels/probe_case.h"

namespace kvatlas::kernels {
namespace {

// bf16 bits of the nearest value below in magnitude, and back: inputs that both sides hold exactly.
std::uint16_t toBf16(float x) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
}
float fromBf16(std::uint16_t x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

// Normal f16 numbers only.
std::uint16_t toF16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int exponent = static_cast<int>(bits >> 23 & 255) - 127 + 15;
  return exponent < 1 ? std::uint16_t{0}
                      : static_cast<std::uint16_t>((bits >> 16 & 0x8000) | static_cast<std::uint32_t>(exponent) << 10 |
                                                   (bits >> 13 & 0x3ff));
}
float fromF16(std::uint16_t x) {
  return x == 0 ? 0.0F
                : std::bit_cast<float>(static_cast<std::uint32_t>(x & 0x8000) << 16 |
                                       (static_cast<std::uint32_t>(x >> 10 & 31) + 127 - 15) << 23 |
                                       static_cast<std::uint32_t>(x & 0x3ff) << 13);
}

template <typename Encode, typename Decode>
std::vector<std::uint16_t> roundInPlace(std::vector<float>& values, Encode encode, Decode decode) {
  std::vector<std::uint16_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(), encode);
  std::transform(bits.begin(), bits.end(), values.begin(), decode);
  return bits;
}

std::vector<std::uint16_t> roundTo(KvatlasElement element, std::vector<float>& values) {
  return element == kKvatlasBf16 ? roundInPlace(values, toBf16, fromBf16) : roundInPlace(values, toF16, fromF16);
}

class CudaKernels : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    m_backend = makeCudaBackend(reason);
    if (m_backend == nullptr) {
      GTEST_SKIP() << "no CUDA device: " << reason;
    }
  }

  // Runs the device probe with all outputs into `b`; returns first_bad.
  std::uint64_t probe(const ProbeCase& c, ProbeBuffers& b, const void* query, const void* key, KvatlasElement element,
                      const float* given_lse = nullptr) {
    std::vector<std::vector<float>*> vectors = {&b.lse,         &b.entropy,  &b.received, &b.window_sum,
                                                &b.window_rows, &b.map_mean, &b.map_max};
    std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
    for (const std::vector<float>* vector : vectors) {
      arrays.push_back(std::make_unique<DeviceArray<float>>(*m_backend, *vector));
    }
    DeviceArray<std::uint64_t> bad(*m_backend, {12345});
    KvatlasCudaProbe p{c.shape.query_heads,
                       c.shape.kv_heads,
                       c.shape.tokens,
                       c.shape.head_dim,
                       c.shape.window,
                       c.shape.sliding_window,
                       c.shape.scale,
                       element,
                       query,
                       key,
                       given_lse,
                       arrays[0]->data(),
                       arrays[1]->data(),
                       arrays[2]->data(),
                       arrays[3]->data(),
                       arrays[4]->data(),
                       b.map_mean.empty() ? nullptr : arrays[5]->data(),
                       b.map_max.empty() ? nullptr : arrays[6]->data(),
                       c.cell,
                       bad.data(),
                       nullptr};
    const DeviceArray<char> workspace(*m_backend, std::vector<char>(m_backend->functions().probe_workspace(&p), 'x'));
    p.workspace = workspace.data();
    const char* const error = m_backend->functions().probe(&p, nullptr);
    EXPECT_EQ(error, nullptr) << error;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      *vectors[i] = arrays[i]->host();
    }
    return bad.host()[0];
  }

  void expectProbeMatches(ProbeCase c, KvatlasElement element = kKvatlasF32) {
    std::optional<DeviceArray<float>> query32, key32;
    std::optional<DeviceArray<std::uint16_t>> query16, key16;
    if (element == kKvatlasF32) {
      query32.emplace(*m_backend, c.query);
      key32.emplace(*m_backend, c.key);
    } else {
      query16.emplace(*m_backend, roundTo(element, c.query));
      key16.emplace(*m_backend, roundTo(element, c.key));
    }
    const void* const query = query32 ? static_cast<const void*>(query32->data()) : query16->data();
    const void* const key = key32 ? static_cast<const void*>(key32->data()) : key16->data();
    ProbeBuffers actual(c.shape, c.cell);
    ProbeBuffers expected(c.shape, c.cell);
    EXPECT_EQ(probe(c, actual, query, key, element), c.shape.query_heads * c.shape.tokens);
    ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), expected.output).ok());
    EXPECT_LE(worstError(actual.lse, expected.lse, 1.0), 2e-6);
    EXPECT_LE(worstError(actual.entropy, expected.entropy, 0.1), 1e-5);
    EXPECT_LE(worstError(actual.received, expected.received, 1e-30), 1e-5);
    EXPECT_LE(worstError(actual.window_sum, expected.window_sum, 1e-30), 1e-5);
    EXPECT_LE(worstError(actual.window_rows, expected.window_rows, 1e-30), 1e-5);
    EXPECT_LE(worstError(actual.map_mean, expected.map_mean, 1e-30), 1e-5);
    EXPECT_LE(worstError(actual.map_max, expected.map_max, 1e-30), 1e-5);
    ProbeBuffers again(c.shape, c.cell);
    probe(c, again, query, key, element);
    EXPECT_TRUE(actual == again) << "two runs differ";
  }

  std::unique_ptr<CudaBackend> m_backend;
};

ProbeShape makeShape(std::size_t query_heads, std::size_t kv_heads, std::size_t tokens, std::size_t head_dim,
                     std::size_t window, std::size_t sliding_window = 0) {
  return {query_heads,
          kv_heads,
          tokens,
          head_dim,
          std::min(window, tokens),
          sliding_window,
          1.0F / std::sqrt(static_cast<float>(head_dim))};
}

TEST_F(CudaKernels, probeMatchesReferenceAtEveryLength) {
  for (const std::size_t tokens : {1, 2, 7, 63, 64, 65, 130, 200}) {
    SCOPED_TRACE(tokens);
    expectProbeMatches(randomCase(makeShape(2, 1, tokens, 16, 8), 4));
    expectProbeMatches(randomCase(makeShape(1, 1, tokens, 7, 70, 40), 16));
  }
}

TEST_F(CudaKernels, probeMatchesReferenceAtEveryHeadDim) {
  for (const std::size_t d : {1, 31, 32, 33, 64, 80, 96, 128, 256}) {
    SCOPED_TRACE(d);
    expectProbeMatches(randomCase(makeShape(2, 2, 70, d, 8), 8));
  }
}

TEST_F(CudaKernels, probeMapsMatchReferenceAtEveryCell) {
  for (const std::size_t cell : {0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512}) {
    SCOPED_TRACE(cell);
    expectProbeMatches(randomCase(makeShape(1, 1, 300, 8, 5), cell));
    expectProbeMatches(randomCase(makeShape(1, 1, 300, 8, 5, 100), cell));
  }
}

TEST_F(CudaKernels, probeReadsHalfPrecision) {
  expectProbeMatches(randomCase(makeShape(4, 2, 100, 64, 8), 8), kKvatlasBf16);
  expectProbeMatches(randomCase(makeShape(4, 2, 100, 64, 8), 8), kKvatlasF16);
}

TEST_F(CudaKernels, probeWithGivenLse) {
  const ProbeCase c = randomCase(makeShape(2, 1, 150, 32, 8), 8);
  ProbeBuffers expected(c.shape, c.cell);
  ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), expected.output).ok());
  const DeviceArray<float> query(*m_backend, c.query);
  const DeviceArray<float> key(*m_backend, c.key);
  const DeviceArray<float> lse(*m_backend, expected.lse);
  ProbeBuffers actual(c.shape, c.cell);
  probe(c, actual, query.data(), key.data(), kKvatlasF32, lse.data());
  EXPECT_EQ(actual.lse, expected.lse);
  EXPECT_LE(worstError(actual.received, expected.received, 1e-30), 1e-5);
  EXPECT_LE(worstError(actual.entropy, expected.entropy, 0.1), 1e-5);
}

TEST_F(CudaKernels, probeSurvivesLogitsFarBelowZero) {
  ProbeCase c = randomCase(makeShape(1, 1, 70, 4, 5), 8);
  for (std::size_t i = 0; i < 70; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      c.query[i * 4 + k] = k == 0 ? 2.0F : 0.0F;
      c.key[i * 4 + k] = -1e4F + static_cast<float>(i * 7 % 11) * 0.25F;
    }
  }
  expectProbeMatches(c);
}

TEST_F(CudaKernels, probeReportsTheFirstNonFiniteValue) {
  for (const float bad : {std::nanf(""), INFINITY}) {
    ProbeCase c = randomCase(makeShape(4, 2, 100, 8, 8), 8);
    c.key[(1 * 100 + 60) * 8] = bad;
    const DeviceArray<float> query(*m_backend, c.query);
    const DeviceArray<float> key(*m_backend, c.key);
    ProbeBuffers b(c.shape, c.cell);
    EXPECT_EQ(probe(c, b, query.data(), key.data(), kKvatlasF32), 2U * 100 + 60);
  }
}

TEST_F(CudaKernels, probeRefusesImpossibleShapes) {
  KvatlasCudaProbe p{};
  EXPECT_NE(m_backend->functions().probe(&p, nullptr), nullptr);
}

TEST_F(CudaKernels, decodeMatchesReference) {
  for (const std::size_t d : {1, 48, 64, 128, 200}) {
    SCOPED_TRACE(d);
    const std::vector<std::size_t> lengths = {1, 2, 127, 128, 129, 300};
    const std::vector<std::size_t> rows = {1, 4, 2, 1, 3, 2};
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
    const KvatlasCudaDecode decode{list.data(), segments.size(), 4, d, c.shape.scale, kKvatlasF32};
    ASSERT_EQ(m_backend->functions().decode(&decode, nullptr), nullptr);
    raggedDecodeAttentionReference(reference, d, c.shape.scale);
    for (std::size_t s = 0; s < rows.size(); ++s) {
      EXPECT_LE(worstError(arrays[5 * s + 3]->host(), output[s], 0.1), 1e-5) << s;
      EXPECT_LE(worstError(arrays[5 * s + 4]->host(), p[s], 1e-30), 1e-5) << s;
    }
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
