#include "tests/kernels/cuda/cuda_fixture.h"

namespace kvatlas::kernels {
namespace {

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

TEST_F(CudaKernels, probeRefusesInvalidShapes) {
  KvatlasCudaProbe p{};
  EXPECT_NE(m_backend->functions().probe(&p, nullptr), nullptr);
}

}  // namespace
}  // namespace kvatlas::kernels
