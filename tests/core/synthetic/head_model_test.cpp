// The closed form of a head against sums over its rows.
#include "core/synthetic/head_model.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kvatlas::synthetic {
namespace {

struct Sums {
  std::vector<double> received, entropy, mean, max;
};

// Recomputes everything from the rows alone.
Sums addUp(const HeadModel& model, std::size_t cell) {
  const std::size_t tokens = model.tokens(), side = (tokens + cell - 1) / cell;
  Sums sums{.received = std::vector<double>(tokens),
            .entropy = std::vector<double>(tokens),
            .mean = std::vector<double>(side * side),
            .max = std::vector<double>(side * side)};
  std::vector<double> pairs(side * side);
  std::vector<float> row(tokens);
  for (std::size_t i = 0; i < tokens; ++i) {
    model.row(static_cast<std::uint32_t>(i), row.data());
    double total = 0;
    for (std::size_t j = 0; j <= i; ++j) {
      const double p = row[j];
      const std::size_t at = i / cell * side + j / cell;
      total += p;
      sums.received[j] += p;
      if (p > 0) sums.entropy[i] -= p * std::log(p);
      sums.mean[at] += p;
      sums.max[at] = std::max(sums.max[at], p);
      pairs[at] += 1;
    }
    EXPECT_NEAR(total, 1, 1e-5) << "query " << i;
  }
  for (std::size_t at = 0; at < pairs.size(); ++at) sums.mean[at] /= std::max(pairs[at], 1.0);
  return sums;
}

void expectSame(const std::vector<float>& closed, const std::vector<double>& summed, const char* what) {
  for (std::size_t i = 0; i < closed.size(); ++i)
    ASSERT_NEAR(closed[i], summed[i], 1e-5 * std::abs(summed[i]) + 1e-6) << what << " " << i;
}

TEST(HeadModel, ClosedFormIsTheSumOfItsRows) {
  for (const std::uint32_t tokens : {1U, 5U, 70U, 777U, 1500U}) {
    const SyntheticPrompt prompt = makePrompt({.tokens = tokens, .vocab = 300, .documents = 7, .seed = 3});
    for (std::uint32_t head = 0; head < 12; ++head) {
      const HeadModel model(prompt, {.layer = head % 4, .layers = 4, .head = head, .kv_head = head / 2, .seed = 3}, 2);
      for (const std::size_t cell : {std::size_t{1}, std::size_t{8}, std::size_t{64}}) {
        if (cell == 1 && tokens > 100) continue;
        const Sums sums = addUp(model, cell);
        const std::size_t side = (tokens + cell - 1) / cell;
        std::vector<float> received(tokens), entropy(tokens), mean(side * side), max(side * side);
        model.received(received.data());
        model.entropy(entropy.data());
        model.map(cell, mean.data(), max.data());
        expectSame(received, sums.received, "received");
        expectSame(entropy, sums.entropy, "entropy");
        expectSame(mean, sums.mean, "mean of cell");
        expectSame(max, sums.max, "max of cell");
      }
    }
  }
}

TEST(HeadModel, HeadsDifferAndShowTheirStructure) {
  const SyntheticPrompt prompt = makePrompt({.tokens = 4096, .vocab = 300, .documents = 8});
  std::size_t sinks = 0, finders = 0;
  std::vector<float> row(4096);
  for (std::uint32_t head = 0; head < 64; ++head) {
    const HeadModel model(prompt, {.layer = 2, .layers = 4, .head = head, .kv_head = head / 4}, 0);
    model.row(4095, row.data());
    double needle = 0, far = 0;
    for (TokenIndex j = prompt.needle.begin; j < prompt.needle.end; ++j) needle += row[j];
    for (std::uint32_t j = 600; j < 1600; ++j) far += row[j] / 1000;
    sinks += row[0] > 100 * far ? 1 : 0;
    finders += needle > 0.2 ? 1 : 0;
  }
  EXPECT_GT(sinks, 32U);
  EXPECT_GT(finders, 2U);
  EXPECT_LT(finders, 32U);
}

}  // namespace
}  // namespace kvatlas::synthetic
