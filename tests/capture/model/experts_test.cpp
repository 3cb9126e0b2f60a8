// The mixture of experts against a naive one in double precision, and the choice of experts.
#include "capture/model/experts.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::int64_t kHidden = 6, kInner = 5, kExperts = 4, kRows = 30;

// Numbers in [−1, 1] from a formula, the same on every run.
at::Tensor numbers(std::vector<std::int64_t> shape, int seed) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(std::sin(static_cast<double>((i + 1) * (seed + 3)) * 1.7)));
  return at::tensor(values).view(shape);
}

ExpertWeights weights() {
  ExpertWeights made;
  made.router.weight = numbers({kExperts, kHidden}, 1);
  for (int expert = 0; expert < kExperts; ++expert)
    made.experts.push_back({.gate = {numbers({kInner, kHidden}, 10 * expert + 2), {}, {}},
                            .up = {numbers({kInner, kHidden}, 10 * expert + 3), {}, {}},
                            .down = {numbers({kHidden, kInner}, 10 * expert + 4), {}, {}}});
  return made;
}

ExpertWeights packedWeights() {
  ExpertWeights made = weights();
  pack(made.router);
  for (Mlp& expert : made.experts) pack(expert);
  return made;
}

double dot(const at::Tensor& matrix, std::int64_t row, const std::vector<double>& x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += matrix[row][static_cast<std::int64_t>(i)].item<double>() * x[i];
  return sum;
}

// Expert numbers by descending logit, and the softmax over the first `k`.
std::vector<std::pair<std::int64_t, double>> naiveChoice(const ExpertWeights& w, const std::vector<double>& x, int k) {
  std::vector<std::pair<std::int64_t, double>> chosen;
  for (std::int64_t expert = 0; expert < kExperts; ++expert)
    chosen.emplace_back(expert, dot(w.router.weight, expert, x));
  std::ranges::stable_sort(chosen, [](const auto& a, const auto& b) { return a.second > b.second; });
  chosen.resize(static_cast<std::size_t>(k));
  double sum = 0;
  for (auto& [expert, logit] : chosen) sum += std::exp(logit);
  for (auto& [expert, logit] : chosen) logit = std::exp(logit) / sum;
  return chosen;
}

std::vector<double> naiveMixture(const ExpertWeights& w, const std::vector<double>& x, int k) {
  std::vector<double> out(kHidden, 0.0);
  for (const auto& [number, share] : naiveChoice(w, x, k)) {
    const Mlp& expert = w.experts[static_cast<std::size_t>(number)];
    std::vector<double> inner;
    for (std::int64_t i = 0; i < kInner; ++i) {
      const double gate = dot(expert.gate.weight, i, x);
      inner.push_back(gate / (1 + std::exp(-gate)) * dot(expert.up.weight, i, x));
    }
    for (std::int64_t i = 0; i < kHidden; ++i)
      out[static_cast<std::size_t>(i)] += share * dot(expert.down.weight, i, inner);
  }
  return out;
}

std::vector<double> rowOf(const at::Tensor& rows, std::int64_t row) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows.size(1); ++i) values.push_back(rows[row][i].item<double>());
  return values;
}

TEST(Experts, SumIsThatOfTheNaiveMixture) {
  const ExpertWeights w = weights();
  const at::Tensor rows = numbers({kRows, kHidden}, 7);
  const ExpertWeights packed = packedWeights();
  for (const auto& [k, used] : {std::pair(1, &w), std::pair(2, &w), std::pair(4, &w), std::pair(2, &packed)}) {
    const at::Tensor out = mixture(*used, route(*used, rows, static_cast<std::uint32_t>(k)), rows);
    for (std::int64_t row = 0; row < kRows; ++row) {
      const std::vector<double> expected = naiveMixture(w, rowOf(rows, row), k);
      for (std::int64_t i = 0; i < kHidden; ++i)
        EXPECT_NEAR(out[row][i].item<double>(), expected[static_cast<std::size_t>(i)], 1e-5);
    }
  }
}

// What a branch of a decoding step gets must not depend on the other branches that share it.
TEST(Experts, PackedARowHasTheSameBitsInAnyBatch) {
  const ExpertWeights w = packedWeights();
  const at::Tensor rows = numbers({kRows, kHidden}, 7), whole = mixture(w, route(w, rows, 2), rows);
  for (const std::int64_t count : {1, 2, 7}) {
    const at::Tensor few = rows.narrow(0, 3, count);
    EXPECT_TRUE(at::equal(mixture(w, route(w, few, 2), few), whole.narrow(0, 3, count))) << count;
  }
}

TEST(Experts, TiesGoToTheLowestNumber) {
  ExpertWeights w = weights();
  w.router.weight = at::zeros({kExperts, kHidden});
  const Routing routing = route(w, numbers({3, kHidden}, 7), 2);
  for (std::int64_t row = 0; row < 3; ++row) {
    EXPECT_EQ(rowOf(routing.weight, row), (std::vector<double>{0.5, 0.5, 0, 0}));
    EXPECT_EQ(rowOf(routing.chosen, row), (std::vector<double>{1, 1, 0, 0}));
  }
}

TEST(Experts, TallyCountsAllChunks) {
  const ExpertWeights w = weights();
  const at::Tensor rows = numbers({kRows, kHidden}, 7);
  ModelConfig config;
  config.layers = 2;
  config.experts = kExperts;
  ExpertTally tally(config, kRows);
  tally.note(11, route(w, rows.slice(0, 11, kRows), 2));
  tally.note(0, route(w, rows.slice(0, 0, 11), 2));
  tally.finishLayer(1);
  const ExpertUse use = tally.use();
  std::vector<std::uint32_t> tokens(2 * kExperts, 0);
  std::vector<double> weight(2 * kExperts, 0.0);
  for (std::int64_t row = 0; row < kRows; ++row)
    for (const auto& [expert, share] : naiveChoice(w, rowOf(rows, row), 2)) {
      ++tokens[static_cast<std::size_t>(kExperts + expert)];
      weight[static_cast<std::size_t>(kExperts + expert)] += share / kRows;
    }
  EXPECT_EQ(use.tokens, tokens);
  for (std::size_t i = 0; i < weight.size(); ++i) EXPECT_NEAR(use.weight[i], weight[i], 1e-6);
}

// The last layer of a prefill computes one row only; its experts are counted all the same.
TEST(Experts, OfAPromptAreThoseOfTransformersWhateverTheChunks) {
  const OneThread one_thread;
  for (const char* name : {"mixtral", "mixtral-stacked"})
    for (const std::int64_t chunk : {std::int64_t{0}, std::int64_t{7}}) {
      const Decoder decoder = Decoder::load(modelFolder(name), {.row_chunk = chunk}, {});
      for (const GoldenRun& run : loadGolden(name).runs) {
        const ExpertUse use = decoder.prefill(run.ids, nullptr, {}).experts;
        EXPECT_EQ(use.tokens, run.expert_tokens) << name << ' ' << chunk;
        ASSERT_EQ(use.weight.size(), run.expert_weight.size());
        for (std::size_t i = 0; i < use.weight.size(); ++i) EXPECT_NEAR(use.weight[i], run.expert_weight[i], 1e-5);
      }
    }
}

TEST(Experts, AModelWithoutAnyReportsNone) {
  const OneThread one_thread;
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  EXPECT_TRUE(decoder.prefill(std::vector<TokenId>{1, 5, 9}, nullptr, {}).experts.tokens.empty());
}

}  // namespace
}  // namespace kvatlas::capture::test
