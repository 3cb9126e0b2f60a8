// A probe on a device, or on its emulation, against double precision.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "kernels/float_array.h"
#include "tests/kernels/cuda/cuda_backend.h"
#include "tests/kernels/cuda/cuda_failure.h"
#include "tests/kernels/probe_case.h"
#include "tests/support/expected_gpu.h"

namespace kvatlas::kernels {

// bf16 bits of the nearest value below in magnitude, and back: inputs that both sides represent exactly.
inline std::uint16_t toBf16(float x) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
}

// Normal f16 numbers only.
inline std::uint16_t toF16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int exponent = static_cast<int>(bits >> 23 & 255) - 127 + 15;
  return exponent < 1 ? std::uint16_t{0}
                      : static_cast<std::uint16_t>((bits >> 16 & 0x8000) | static_cast<std::uint32_t>(exponent) << 10 |
                                                   (bits >> 13 & 0x3ff));
}
inline float fromF16(std::uint16_t x) {
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

inline std::vector<std::uint16_t> roundTo(KvatlasElement element, std::vector<float>& values) {
  return element == kKvatlasBf16 ? roundInPlace(values, toBf16, fromBf16) : roundInPlace(values, toF16, fromF16);
}

class CudaKernels : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    m_backend = makeCudaBackend(reason);
    if (m_backend == nullptr) {
      if (kvatlas::test::gpuIsExpected()) FAIL() << "no CUDA device: " << reason;
      GTEST_SKIP() << "no CUDA device: " << reason;
    }
  }

  // Runs the device probe with all outputs into `b`; returns first_bad.
  std::uint64_t probe(const ProbeCase& c, ProbeBuffers& b, const void* query, const void* key, KvatlasElement element,
                      const float* given_lse = nullptr, KvatlasProbePath path = kKvatlasProbePlain) {
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
                       path,
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

  // All outputs against double precision, and two runs against each other. `give_lse` passes the reference's
  // normalisers, as from a forward pass.
  void expectProbeMatches(ProbeCase c, KvatlasElement element = kKvatlasF32, KvatlasProbePath path = kKvatlasProbePlain,
                          bool give_lse = false, double tolerance = 1e-5) {
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
    ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), expected.output).ok());
    std::optional<DeviceArray<float>> lse;
    if (give_lse) lse.emplace(*m_backend, expected.lse);
    const float* const given = lse ? lse->data() : nullptr;
    EXPECT_EQ(probe(c, actual, query, key, element, given, path), c.shape.query_heads * c.shape.tokens);
    const std::string description = describe(c, element, path, give_lse);
    SCOPED_TRACE(description);
    EXPECT_TRUE(matches(actual.lse, expected.lse, 1.0, 2e-6)) << "lse";
    EXPECT_TRUE(matches(actual.entropy, expected.entropy, 0.1, tolerance)) << "entropy";
    EXPECT_TRUE(matches(actual.received, expected.received, 1e-30, tolerance)) << "received";
    EXPECT_TRUE(matches(actual.window_sum, expected.window_sum, 1e-30, tolerance)) << "window_sum";
    EXPECT_TRUE(matches(actual.window_rows, expected.window_rows, 1e-30, tolerance)) << "window_rows";
    EXPECT_TRUE(matches(actual.map_mean, expected.map_mean, 1e-30, tolerance)) << "map_mean";
    EXPECT_TRUE(matches(actual.map_max, expected.map_max, 1e-30, tolerance)) << "map_max";
    ProbeBuffers again(c.shape, c.cell);
    probe(c, again, query, key, element, given, path);
    EXPECT_TRUE(actual == again) << "two runs differ";
    if (HasFailure()) dumpInputs(c, description);
  }

  std::unique_ptr<CudaBackend> m_backend;
};

inline ProbeShape makeShape(std::size_t query_heads, std::size_t kv_heads, std::size_t tokens, std::size_t head_dim,
                            std::size_t window, std::size_t sliding_window = 0) {
  return {query_heads,
          kv_heads,
          tokens,
          head_dim,
          std::min(window, tokens),
          sliding_window,
          1.0F / std::sqrt(static_cast<float>(head_dim))};
}

}  // namespace kvatlas::kernels
