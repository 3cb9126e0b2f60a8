#include "core/synthetic/synthetic_trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>

#include "core/base/error.h"
#include "core/policy/policy.h"
#include "core/synthetic/runs.h"
#include "core/trace/reader.h"
#include "kernels/log2_codec.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::synthetic {
namespace {

using trace::Reader;
using trace::Reduction;
using trace::Signal;

SyntheticOptions unitSize() {
  return {.tokens = 900, .layers = 3, .query_heads = 4, .kv_heads = 2, .head_dim = 32, .vocab = 500, .map_size = 128};
}

std::string bytesOf(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(SyntheticTrace, IsValidAtEveryLength) {
  const test::ScratchFolder folder;
  for (const std::uint32_t tokens : {1U, 9U, 64U, 65U, 513U, 3000U}) {
    SyntheticOptions options = unitSize();
    options.tokens = tokens;
    options.qk_layers = {1};
    options.budgets = {"99%"};
    if (tokens == 1) options.methods.clear();
    writeSyntheticTrace(folder / "a.kva.h5", options);
    for (const trace::Finding& finding : trace::validate(folder / "a.kva.h5"))
      ADD_FAILURE() << tokens << " tokens: " << finding.member << ": " << finding.problem;
  }
}

TEST(SyntheticTrace, SameOptionsSameBytesOnAnyNumberOfThreads) {
  const test::ScratchFolder folder;
  SyntheticOptions options = unitSize();
  options.qk_layers = {0};
  for (const unsigned threads : {1U, 3U}) {
    options.threads = threads;
    writeSyntheticTrace(folder / std::to_string(threads), options);
  }
  EXPECT_EQ(bytesOf(folder / "1"), bytesOf(folder / "3"));
  options.seed = 1;
  writeSyntheticTrace(folder / "other", options);
  EXPECT_NE(bytesOf(folder / "1"), bytesOf(folder / "other"));
}

// Heads share the budget by their largest scores: an allocator that needs all layers before any selects.
policy::Method greedyMethod() {
  policy::Method method = policy::findMethod("h2o");
  method.name = "greedy";
  method.allocate_reads_scores = true;
  method.allocate = [](const policy::Setting& setting, std::span<const policy::LayerScores> layers) {
    std::vector<double> peaks;
    for (const policy::LayerScores& layer : layers)
      for (std::uint32_t head = 0; head < layer.heads; ++head)
        peaks.push_back(static_cast<double>(*std::ranges::max_element(layer.head(head))));
    const double all = std::accumulate(peaks.begin(), peaks.end(), 0.0);
    std::vector<std::uint32_t> capacity;
    for (const double peak : peaks)
      capacity.push_back(setting.window + static_cast<std::uint32_t>(static_cast<double>(setting.budget) * peak / all));
    return capacity;
  };
  return method;
}

TEST(SyntheticTrace, AnAllocatorThatReadsScoresDecidesAsOverTheWholePrompt) {
  const policy::Method greedy = greedyMethod();
  const SyntheticPrompt prompt = makePrompt({.tokens = 300, .vocab = 500, .documents = 3, .seed = 0});
  const trace::ModelInfo model{
      .compute_dtype = "f32", .layers = 3, .query_heads = 4, .kv_heads = 2, .head_dim = 32, .vocab_size = 500};
  const trace::AttentionPlan plan{.window = 8};
  const LayerRequest request{.prompt = &prompt, .model = &model, .plan = &plan, .new_tokens = 2};
  RunRecorder runs({.methods = {{&greedy, {}}}, .budgets = {"40"}, .window = 8, .new_tokens = 2}, model, 300);
  ASSERT_TRUE(runs.readsAllScores());
  std::vector<SyntheticLayer> layers;
  for (std::uint32_t layer = 0; layer < 3; ++layer) layers.push_back(makeLayer(request, LayerIndex(layer)));
  for (const SyntheticLayer& layer : layers) runs.scoreLayer(layer);
  for (const SyntheticLayer& layer : layers) runs.addLayer(layer);
  const trace::RunRecord run = runs.take(1);

  std::vector<LayerSignals> of_layers;
  for (const SyntheticLayer& layer : layers) of_layers.push_back(viewOf(layer.values));
  const policy::Setting setting =
      policy::makeSetting({&greedy, {}}, {.layers = 3, .query_heads = 4, .kv_heads = 2, .tokens = 300},
                          policy::parseBudget("40"), policy::Granularity::KvHead, policy::Preset::Exact, 8);
  const policy::Decision decision = policy::decide(greedy, setting, of_layers);
  EXPECT_NE(*std::ranges::min_element(decision.capacity), *std::ranges::max_element(decision.capacity));
  EXPECT_EQ(run.capacity, decision.capacity);
  EXPECT_EQ(run.kept_offsets, decision.offsets);
  EXPECT_EQ(run.kept_positions, decision.positions);
}

TEST(SyntheticTrace, RunsEqualThePoliciesDecisionsOnItsSignals) {
  const test::ScratchFolder folder;
  writeSyntheticTrace(folder / "a", unitSize());
  const Reader reader(folder / "a");
  const trace::TraceHeader& header = reader.header();
  std::vector<std::vector<float>> received, window_sum;
  std::vector<policy::LayerSignals> signals;
  for (std::uint32_t layer = 0; layer < 3; ++layer) {
    received.push_back(reader.signal(LayerIndex(layer), Signal::Received).value());
    window_sum.push_back(reader.signal(LayerIndex(layer), Signal::WindowSum).value());
  }
  for (std::uint32_t layer = 0; layer < 3; ++layer) {
    policy::LayerSignals& of_layer = signals.emplace_back();
    of_layer[Signal::Received] = received[layer];
    of_layer[Signal::WindowSum] = window_sum[layer];
  }
  ASSERT_EQ(header.runs.size(), 9U);
  const policy::Shape shape{.layers = 3, .query_heads = 4, .kv_heads = 2, .tokens = 900};
  for (std::size_t index = 0; index < header.runs.size(); ++index) {
    const policy::MethodRequest method = policy::parseMethod(header.runs[index].method);
    const policy::Setting setting =
        policy::makeSetting(method, shape, policy::parseBudget(header.runs[index].budget), policy::Granularity::KvHead,
                            policy::Preset::Exact, header.attention.window);
    const policy::Decision decision = policy::decide(*method.method, setting, signals);
    const trace::RunRecord run = reader.run(index).value();
    EXPECT_EQ(run.capacity, decision.capacity) << header.runs[index].label;
    EXPECT_EQ(run.kept_positions, decision.positions) << header.runs[index].label;
  }
}

TEST(SyntheticTrace, KeptQueriesAndKeysGiveTheSignalsOfTheirLayer) {
  const test::ScratchFolder folder;
  SyntheticOptions options = unitSize();
  options.tokens = 200;
  options.qk_layers = {2};
  writeSyntheticTrace(folder / "a", options);
  const Reader reader(folder / "a");
  EXPECT_FALSE(reader.queryBits(LayerIndex(1), HeadIndex(0)).has_value());
  const HeadIndex head(3);
  const auto real = [](std::uint16_t bits) { return double(std::bit_cast<float>(std::uint32_t{bits} << 16U)); };
  const auto query = reader.queryBits(LayerIndex(2), head).value();
  const auto key = reader.keyBits(LayerIndex(2), KvHeadIndex(1)).value();
  const auto lse = reader.signalOfHead(LayerIndex(2), Signal::Lse, head).value();
  const std::size_t side = (200 + 1) / 2;
  const auto codes = reader.mapTile(LayerIndex(2), head, Reduction::Max, 0, 0, 0, side, side).value();
  for (std::size_t i = 0; i < 200; i += 7) {
    double sum = 0;
    std::vector<double> p(i + 1);
    for (std::size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (std::size_t axis = 0; axis < 32; ++axis) dot += real(query[i * 32 + axis]) * real(key[j * 32 + axis]);
      sum += p[j] = std::exp(dot / std::sqrt(32.0) - double(lse[i]));
    }
    EXPECT_NEAR(sum, 1, 1e-4);
    for (std::size_t j = 0; j <= i; ++j)
      ASSERT_LE(p[j], kernels::decodeLog2(codes[i / 2 * side + j / 2]) * 1.001 + 1e-9) << i << ", " << j;
  }
}

TEST(SyntheticTrace, TextTokensAndSpansBelongTogether) {
  const test::ScratchFolder folder;
  writeSyntheticTrace(folder / "a", unitSize());
  const Reader reader(folder / "a");
  const trace::Prompt& prompt = reader.header().prompt;
  const auto textOf = [&](const trace::Span& span) {
    return prompt.text.substr(prompt.offsets[span.begin], prompt.offsets[span.end] - prompt.offsets[span.begin]);
  };
  std::size_t documents = 0;
  for (const trace::Span& span : prompt.spans) {
    if (span.name == "needle") {
      EXPECT_EQ(textOf(span), " The secret number of Emma is 48213.");
    }
    if (span.name == "question") {
      EXPECT_EQ(span.end, 900U);
    }
    documents += span.name.starts_with("document") ? 1 : 0;
  }
  EXPECT_GE(documents, 2U);
}

TEST(SyntheticTrace, ConflictingOptionsAreNamed) {
  const test::ScratchFolder folder;
  const auto refused = [&](auto change) {
    SyntheticOptions options = unitSize();
    change(options);
    EXPECT_THROW(writeSyntheticTrace(folder / "a", options), UsageError);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  };
  refused([](SyntheticOptions& o) { o.query_heads = 5; });
  refused([](SyntheticOptions& o) { o.qk_layers = {3}; });
  refused([](SyntheticOptions& o) { o.methods = {"snapkw"}; });
  refused([](SyntheticOptions& o) { o.budgets = {"3"}; });
  refused([](SyntheticOptions& o) { o.tokens = 0; });
}

}  // namespace
}  // namespace kvatlas::synthetic
