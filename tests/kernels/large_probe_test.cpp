// The probe at lengths beyond a full reference: random rows, columns and cells against double precision,
// and invariants of every head. 64k tokens carry the label `slow`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/map_pool.h"
#include "tests/kernels/probe_case.h"

namespace kvatlas::kernels {
namespace {

constexpr std::size_t kCell = 128, kWindow = 8, kSamples = 24;

class LargeProbe : public testing::TestWithParam<std::size_t> {
 protected:
  static void SetUpTestSuite() { s_of = 0; }

  // One probe shared by all tests of a length.
  void SetUp() override {
    if (s_of == GetParam()) return;
    s_of = GetParam();
    // Logits with a standard deviation of about 2.7 nats, as in real attention; the length has no convenient divisor.
    s_case = std::make_unique<ProbeCase>(randomCase({.query_heads = 2,
                                                     .kv_heads = 1,
                                                     .tokens = GetParam() - 3,
                                                     .head_dim = 64,
                                                     .window = kWindow,
                                                     .scale = 1.0F / 8},
                                                    kCell, 1.65F));
    s_out = std::make_unique<ProbeBuffers>(s_case->shape, kCell);
    ASSERT_TRUE(attentionProbe(s_case->shape, s_case->input(), s_out->output).ok());
  }
  static void TearDownTestSuite() {
    s_case.reset();
    s_out.reset();
  }

  [[nodiscard]] static std::size_t tokens() { return s_case->shape.tokens; }
  [[nodiscard]] static double logit(std::size_t head, std::size_t i, std::size_t j) {
    const std::size_t dim = s_case->shape.head_dim;
    const float* q = s_case->query.data() + (head * tokens() + i) * dim;
    const float* k = s_case->key.data() + j * dim;
    double dot = 0;
    for (std::size_t axis = 0; axis < dim; ++axis) dot += double(q[axis]) * double(k[axis]);
    return dot * double(s_case->shape.scale);
  }
  // A row in double precision, and the log of its normaliser.
  [[nodiscard]] static std::vector<double> row(std::size_t head, std::size_t i, double& lse) {
    std::vector<double> p(i + 1);
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) p[j] = logit(head, i, j);
    const double top = *std::max_element(p.begin(), p.end());
    for (double& value : p) sum += value = std::exp(value - top);
    for (double& value : p) value /= sum;
    lse = top + std::log(sum);
    return p;
  }
  // Positions spread over the prompt, including its ends.
  [[nodiscard]] static std::vector<std::size_t> positions(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::size_t> chosen{0, 1, tokens() - 1, tokens() - kWindow, tokens() - kWindow - 1};
    while (chosen.size() < kSamples) chosen.push_back(random() % tokens());
    return chosen;
  }
  static double close(double expected, double relative) { return relative * std::abs(expected) + 1e-9; }

  static inline std::size_t s_of = 0;
  static inline std::unique_ptr<ProbeCase> s_case;
  static inline std::unique_ptr<ProbeBuffers> s_out;
};

TEST_P(LargeProbe, RandomRowsMatchDoublePrecision) {
  for (std::size_t head = 0; head < 2; ++head) {
    for (const std::size_t i : positions(1)) {
      SCOPED_TRACE(testing::Message() << "head " << head << ", query " << i);
      double lse = 0, entropy = 0;
      const std::vector<double> p = row(head, i, lse);
      for (const double value : p) entropy -= value > 0 ? value * std::log(value) : 0;
      EXPECT_NEAR(s_out->lse[head * tokens() + i], lse, 1e-5);
      EXPECT_NEAR(s_out->entropy[head * tokens() + i], entropy, 1e-4);
      if (i < tokens() - kWindow) continue;
      const float* stored = s_out->window_rows.data() + (head * kWindow + i + kWindow - tokens()) * tokens();
      for (std::size_t j = 0; j < tokens(); ++j)
        ASSERT_NEAR(stored[j], j <= i ? p[j] : 0.0, close(j <= i ? p[j] : 0.0, 3e-5)) << "key " << j;
    }
  }
}

TEST_P(LargeProbe, RandomColumnsMatchDoublePrecision) {
  for (std::size_t head = 0; head < 2; ++head) {
    for (const std::size_t j : positions(2)) {
      double received = 0, window = 0;
      for (std::size_t i = j; i < tokens(); ++i) {
        const double p = std::exp(logit(head, i, j) - double(s_out->lse[head * tokens() + i]));
        received += p;
        if (i >= tokens() - kWindow) window += p;
      }
      EXPECT_NEAR(s_out->received[head * tokens() + j], received, close(received, 3e-5)) << "key " << j;
      EXPECT_NEAR(s_out->window_sum[head * tokens() + j], window, close(window, 3e-5)) << "key " << j;
    }
  }
}

TEST_P(LargeProbe, RandomCellsMatchDoublePrecision) {
  const MapGeometry geometry{.tokens = tokens(), .cell = kCell};
  const std::size_t side = geometry.cells();
  std::mt19937 random(3);
  for (std::size_t sample = 0; sample < kSamples; ++sample) {
    const std::size_t head = sample % 2, row = sample < 4 ? side - 1 : random() % side;
    const std::size_t column = sample < 2 ? side - 1 : random() % (row + 1);
    double sum = 0, most = 0, pairs = 0;
    for (std::size_t i = row * kCell; i < std::min((row + 1) * kCell, tokens()); ++i) {
      for (std::size_t j = column * kCell; j < std::min((column + 1) * kCell, i + 1); ++j) {
        const double p = std::exp(logit(head, i, j) - double(s_out->lse[head * tokens() + i]));
        sum += p;
        most = std::max(most, p);
        ++pairs;
      }
    }
    const std::size_t at = (head * side + row) * side + column;
    EXPECT_EQ(static_cast<double>(visiblePairs(geometry, row, column)), pairs);
    EXPECT_NEAR(s_out->map_mean[at], sum / pairs, close(sum / pairs, 3e-5)) << row << ", " << column;
    EXPECT_NEAR(s_out->map_max[at], most, close(most, 3e-5)) << row << ", " << column;
  }
}

TEST_P(LargeProbe, MassIsConserved) {
  const MapGeometry geometry{.tokens = tokens(), .cell = kCell};
  const std::size_t side = geometry.cells();
  for (std::size_t head = 0; head < 2; ++head) {
    double received = 0, window = 0, map = 0;
    for (std::size_t i = 0; i < tokens(); ++i) {
      received += double(s_out->received[head * tokens() + i]);
      window += double(s_out->window_sum[head * tokens() + i]);
      const double entropy = s_out->entropy[head * tokens() + i];
      ASSERT_GE(entropy, -1e-6) << "query " << i;
      ASSERT_LE(entropy, std::log(double(i + 1)) + 1e-4) << "query " << i;
    }
    for (std::size_t r = 0; r < kWindow; ++r) {
      double sum = 0;
      for (std::size_t j = 0; j < tokens(); ++j) sum += double(s_out->window_rows[(head * kWindow + r) * tokens() + j]);
      EXPECT_NEAR(sum, 1, 1e-5) << "window row " << r;
    }
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column < side; ++column) {
        const std::size_t at = (head * side + row) * side + column;
        const auto pairs = static_cast<double>(visiblePairs(geometry, row, column));
        map += double(s_out->map_mean[at]) * pairs;
        ASSERT_LE(s_out->map_mean[at], s_out->map_max[at] * 1.00001F);
        if (column > row) {
          ASSERT_EQ(s_out->map_max[at], 0.0F);
        }
      }
    }
    EXPECT_NEAR(received, double(tokens()), 1e-5 * double(tokens()));
    EXPECT_NEAR(window, kWindow, 1e-5 * kWindow);
    EXPECT_NEAR(map, double(tokens()), 1e-5 * double(tokens()));
  }
}

TEST_P(LargeProbe, CoarserMapsHoldTheSameMassAndMaximum) {
  MapGeometry geometry{.tokens = tokens(), .cell = kCell};
  for (std::size_t head = 0; head < 2; ++head) {
    const std::size_t cells = geometry.cells() * geometry.cells();
    const auto slab = [&](const std::vector<float>& map) {
      const auto first = map.begin() + static_cast<std::ptrdiff_t>(head * cells);
      return std::vector<float>(first, first + static_cast<std::ptrdiff_t>(cells));
    };
    std::vector<float> mean = slab(s_out->map_mean), max = slab(s_out->map_max);
    const float most = *std::max_element(max.begin(), max.end());
    for (MapGeometry level = geometry; level.cells() > 1; level.cell *= 2) {
      const std::size_t side = (level.cells() + 1) / 2;
      std::vector<float> next_mean(side * side), next_max(side * side);
      coarsenMean(level, mean.data(), next_mean.data());
      coarsenMax(level, max.data(), next_max.data());
      mean = std::move(next_mean);
      max = std::move(next_max);
    }
    const double pairs = 0.5 * double(tokens()) * double(tokens() + 1);
    EXPECT_NEAR(double(mean[0]) * pairs, double(tokens()), 1e-5 * double(tokens()));
    EXPECT_EQ(max[0], most);
  }
}

INSTANTIATE_TEST_SUITE_P(Tokens, LargeProbe, testing::Values(KVATLAS_TEST_TOKENS), testing::PrintToStringParamName());

}  // namespace
}  // namespace kvatlas::kernels
