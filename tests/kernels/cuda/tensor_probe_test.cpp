// The tensor-core paths of the probe against double precision.
#include "tests/kernels/cuda/cuda_fixture.h"

namespace kvatlas::kernels {
namespace {

struct TensorCase {
  KvatlasProbePath path;
  KvatlasElement element;
  std::size_t head_dim;
};

class TensorProbe : public CudaKernels, public testing::WithParamInterface<TensorCase> {
 protected:
  void SetUp() override {
    CudaKernels::SetUp();
    if (m_backend == nullptr) return;
    // Only the pointers' 16-byte alignment matters here.
    KvatlasCudaProbe p{};
    p.head_dim = GetParam().head_dim;
    p.element = GetParam().element;
    p.tokens = 1;
    if (m_backend->functions().probe_best_path(&p) < GetParam().path) GTEST_SKIP() << "not supported by this device";
  }
  [[nodiscard]] std::size_t d() const { return GetParam().head_dim; }
  void expectMatch(const ProbeCase& c, bool give_lse = true, double tolerance = 2e-5) {
    expectProbeMatches(c, GetParam().element, GetParam().path, give_lse, tolerance);
  }
};

TEST_P(TensorProbe, matchesReferenceAtEveryLength) {
  for (const std::size_t tokens : {1, 127, 300}) {
    SCOPED_TRACE(tokens);
    expectMatch(randomCase(makeShape(2, 1, tokens, d(), 8), 16));
  }
}

TEST_P(TensorProbe, matchesReferenceWithASlidingWindow) {
  for (const std::size_t window : {1, 130}) {
    SCOPED_TRACE(window);
    expectMatch(randomCase(makeShape(1, 1, 270, d(), 70, window), 32));
  }
}

TEST_P(TensorProbe, computesTheNormalisers) {
  expectMatch(randomCase(makeShape(4, 2, 140, d(), 8), 16), false);
}

INSTANTIATE_TEST_SUITE_P(AllShapes, TensorProbe, testing::ValuesIn([] {
                           std::vector<TensorCase> cases;
                           for (const KvatlasProbePath path : {kKvatlasProbeMma, kKvatlasProbeWgmma})
                             for (const std::size_t d : {64, 80, 96, 128, 256})
                               cases.push_back({path, d == 96 ? kKvatlasF16 : kKvatlasBf16, d});
                           return cases;
                         }()),
                         [](const auto& param_info) {
                           return std::string(param_info.param.path == kKvatlasProbeMma ? "mma" : "wgmma") + "_" +
                                  (param_info.param.element == kKvatlasF16 ? "f16" : "bf16") + "_" +
                                  std::to_string(param_info.param.head_dim);
                         });

class TensorProbe64 : public TensorProbe {};

TEST_P(TensorProbe64, mapsMatchReferenceAtEveryCell) {
  for (const std::size_t cell : {0, 1, 2, 8, 16, 64, 128, 256}) {
    SCOPED_TRACE(cell);
    expectMatch(randomCase(makeShape(1, 1, 270, d(), 5), cell));
  }
  expectMatch(randomCase(makeShape(1, 1, 300, d(), 5, 100), 128));
}

// More query blocks than stripes: blocks of one stripe add to the same column sums and reuse the ring.
TEST_P(TensorProbe64, stripesTakeSeveralBlocks) {
  expectMatch(randomCase(makeShape(1, 1, 4400, d(), 8, 40), 512));
}

TEST_P(TensorProbe64, logitsFarBelowZeroAreNoMask) {
  ProbeCase c = randomCase(makeShape(1, 1, 140, d(), 5), 16);
  for (std::size_t i = 0; i < 140; ++i) {
    for (std::size_t k = 0; k < d(); ++k) {
      c.query[i * d() + k] = k == 0 ? 2.0F : 0.0F;
      c.key[i * d() + k] = -512.0F + static_cast<float>(i * 7 % 11) * 4.0F;
    }
  }
  expectMatch(c, true, 1e-4);  // the normaliser itself, a float near −128, is no more accurate
}

TEST_P(TensorProbe64, reportsTheFirstNonFiniteValue) {
  ProbeCase c = randomCase(makeShape(4, 2, 200, d(), 8), 16);
  std::vector<std::uint16_t> query = roundTo(GetParam().element, c.query), key = roundTo(GetParam().element, c.key);
  ProbeBuffers expected(c.shape, c.cell);
  ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), expected.output).ok());
  const DeviceArray<float> lse(*m_backend, expected.lse);
  for (const std::uint16_t bad : {0x7F80, 0xFF80, 0x7FC0}) {  // ±Inf, NaN in bf16
    std::vector<std::uint16_t> spoiled = key;
    spoiled[(1 * 200 + 60) * d()] = bad;
    const DeviceArray<std::uint16_t> q(*m_backend, query), k(*m_backend, spoiled);
    ProbeBuffers b(c.shape, c.cell);
    EXPECT_EQ(probe(c, b, q.data(), k.data(), GetParam().element, lse.data(), GetParam().path), 2U * 200 + 60);
  }
}

TEST_P(TensorProbe64, computesOnlyWhatIsAskedFor) {
  ProbeCase c = randomCase(makeShape(1, 1, 150, d(), 8), 0);
  const DeviceArray<std::uint16_t> q(*m_backend, roundTo(GetParam().element, c.query));
  const DeviceArray<std::uint16_t> k(*m_backend, roundTo(GetParam().element, c.key));
  const DeviceArray<float> received(*m_backend, std::vector<float>(150, 7));
  const DeviceArray<std::uint64_t> bad(*m_backend, {9});
  KvatlasCudaProbe p{};
  p.query_heads = p.kv_heads = 1;
  p.tokens = 150;
  p.head_dim = d();
  p.scale = c.shape.scale;
  p.element = GetParam().element;
  p.path = GetParam().path;
  p.query = q.data();
  p.key = k.data();
  p.received = received.data();
  p.first_bad = bad.data();
  const DeviceArray<char> workspace(*m_backend, std::vector<char>(m_backend->functions().probe_workspace(&p), 'x'));
  p.workspace = workspace.data();
  ASSERT_EQ(m_backend->functions().probe(&p, nullptr), nullptr);
  double sum = 0;
  for (const float value : received.host()) sum += value;
  EXPECT_NEAR(sum, 150, 1e-3);
  EXPECT_EQ(bad.host()[0], 150U);
}

INSTANTIATE_TEST_SUITE_P(Paths, TensorProbe64,
                         testing::Values(TensorCase{kKvatlasProbeMma, kKvatlasBf16, 64},
                                         TensorCase{kKvatlasProbeWgmma, kKvatlasBf16, 64}),
                         [](const auto& param_info) {
                           return param_info.param.path == kKvatlasProbeMma ? "mma" : "wgmma";
                         });

// Rejects what the tensor cores do not support instead of computing it wrongly.
TEST_F(CudaKernels, tensorPathsRefuseOtherShapes) {
  for (const auto& [element, d] : {std::pair{kKvatlasF32, 64}, std::pair{kKvatlasBf16, 48}}) {
    float values[64] = {};
    std::uint64_t bad = 0;
    KvatlasCudaProbe p{};
    p.query_heads = p.kv_heads = p.tokens = 1;
    p.head_dim = static_cast<std::uint64_t>(d);
    p.scale = 1;
    p.element = element;
    p.path = kKvatlasProbeMma;
    p.query = p.key = values;
    p.first_bad = &bad;
    p.workspace = values;
    EXPECT_NE(m_backend->functions().probe(&p, nullptr), nullptr);
  }
}

}  // namespace
}  // namespace kvatlas::kernels
