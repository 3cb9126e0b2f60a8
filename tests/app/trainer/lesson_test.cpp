#include "app/trainer/lesson.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "core/base/random.h"

namespace kvatlas::trainer {
namespace {

constexpr int kTokens = 12, kDim = 4;

at::Tensor numbers(std::int64_t heads, std::uint64_t seed) {
  Random random(seed);
  at::Tensor values = at::empty({2, heads, kTokens, kDim}, at::kFloat);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(2 * random.unit() - 1);
  return values;
}

// Softmax of one row in double, from the definition.
std::vector<double> attention(const at::Tensor& query, const at::Tensor& key, int batch, int head, int kv_head, int t) {
  std::vector<double> row(static_cast<std::size_t>(t) + 1);
  double sum = 0;
  for (int s = 0; s <= t; ++s) {
    double dot = 0;
    for (int d = 0; d < kDim; ++d)
      dot += double{query[batch][head][t][d].item<float>()} * key[batch][kv_head][s][d].item<float>();
    sum += row[static_cast<std::size_t>(s)] = std::exp(dot / std::sqrt(double{kDim}));
  }
  for (double& p : row) p /= sum;
  return row;
}

struct Case {
  ModelShape shape{.layers = 2, .query_heads = 4, .kv_heads = 2, .head_dim = kDim};
  at::Tensor query = numbers(4, 1), key = numbers(2, 2);
  at::Tensor ids = at::tensor({5, 6, 7, 5, 6, 9, 5, 6, 7, 7, 7, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}, at::kLong)
                       .view({2, kTokens});
};

TEST(Lesson, PreviousHeadsAreScoredByTheAttentionOnTheTokensBefore) {
  const Case c;
  double expected = 0;
  for (const int back : {1, 2}) {
    double sum = 0;
    int count = 0;
    for (int b = 0; b < 2; ++b)
      for (int t = back; t < kTokens; ++t, ++count)
        sum -=
            std::log(attention(c.query, c.key, b, back == 1 ? 0 : 2, back - 1, t)[static_cast<std::size_t>(t - back)]);
    expected += sum / count;
  }
  const Watched watched{0, c.query, c.key};
  EXPECT_NEAR(lessonLoss({{0}, {}}, c.shape, std::span(&watched, 1), c.ids).item<double>(), expected, 1e-5);
}

TEST(Lesson, InductionHeadsAreScoredBehindEarlierOccurrences) {
  const Case c;
  const auto id = [&](int b, int t) { return c.ids[b][t].item<std::int64_t>(); };
  double expected = 0;
  for (const bool pair : {false, true}) {
    double sum = 0;
    int count = 0;
    for (int b = 0; b < 2; ++b)
      for (int t = 0; t < kTokens; ++t) {
        const auto row = attention(c.query, c.key, b, pair ? 2 : 0, pair ? 1 : 0, t);
        std::optional<double> mass;
        for (int s = 1; s <= t; ++s) {
          const bool wanted = id(b, s - 1) == id(b, t) && (!pair || (s >= 2 && t >= 1 && id(b, s - 2) == id(b, t - 1)));
          if (wanted) mass = mass.value_or(0) + row[static_cast<std::size_t>(s)];
        }
        if (mass) sum -= std::log(*mass), ++count;
      }
    expected += sum / count;
  }
  const Watched watched{1, c.query, c.key};
  EXPECT_NEAR(lessonLoss({{}, {1}}, c.shape, std::span(&watched, 1), c.ids).item<double>(), expected, 1e-5);
}

TEST(Lesson, AskingForNothingTeachesNothing) {
  const Case c;
  EXPECT_EQ(lessonLoss({}, c.shape, {}, c.ids).item<double>(), 0);
  EXPECT_EQ(lessonLayers({{2, 1}, {4}}), (std::vector<std::uint32_t>{1, 2, 4}));
}

}  // namespace
}  // namespace kvatlas::trainer
