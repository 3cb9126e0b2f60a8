// Methods as compositions of parts, and the parts against naive computations.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <random>

#include "core/base/error.h"
#include "core/policy/allocation.h"
#include "core/policy/layer_decision.h"
#include "tests/core/policy/composition_case.h"

namespace kvatlas::policy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

TEST(Compositions, ReplaceOnePartAndKeepTheOthers) {
  const MethodRequest request = parseMethod("snapkv:allocate=adaptive,floor=0.1,kernel=5");
  const Method& method = *request.method;
  EXPECT_EQ(method.name, "snapkv");
  EXPECT_EQ(method.parts.score, "window");
  EXPECT_EQ(method.parts.allocate, "adaptive");
  EXPECT_TRUE(method.allocate_reads_scores);
  EXPECT_EQ(parseMethod("snapkv:allocate=adaptive").method, &method) << "one object for one composition";
  EXPECT_EQ(parseMethod("snapkv:allocate=uniform").method, &findMethod("snapkv"));
  const Setting setting = settingOf("snapkv:allocate=adaptive", 20);
  EXPECT_EQ(setting.parameters.at("floor"), "0.2");
  EXPECT_EQ(setting.parameters.at("allocate"), "adaptive");
}

TEST(Compositions, GivenPartsDecideLikeTheNamedMethod) {
  const Signals signals;
  for (const auto& [composed, named] :
       {std::pair("snapkv:allocate=adaptive", "adakv"), std::pair("snapkv:allocate=pyramid", "pyramidkv"),
        std::pair("h2o:select=sinks", "streamingllm")}) {
    const MethodRequest request = parseMethod(composed);
    EXPECT_EQ(decide(*request.method, settingOf(composed, 20), signals.layers).positions,
              decide(findMethod(named), settingOf(named, 20), signals.layers).positions)
        << composed;
  }
}

TEST(Compositions, PartsThatDoNotCombineAreNamed) {
  EXPECT_THAT(complaint("streamingllm:allocate=adaptive"),
              AllOf(HasSubstr("'streamingllm'"), HasSubstr("allocate=adaptive"), HasSubstr("has none")));
  EXPECT_THAT(complaint("streamingllm:select=top"), AllOf(HasSubstr("select=top"), HasSubstr("has none")));
  EXPECT_THAT(complaint("streamingllm:values=on"), AllOf(HasSubstr("values=on"), HasSubstr("has none")));
  EXPECT_THAT(complaint("snapkv:allocate=adptive"), AllOf(HasSubstr("'adptive'"), HasSubstr("'adaptive'")));
  EXPECT_THAT(complaint("snapkv:select=everything"), HasSubstr("'everything'"));
  EXPECT_THAT(complaint("snapkv:floor=0.1"), HasSubstr("has no parameter 'floor'"));
  EXPECT_THAT(complaint("full:allocate=pyramid"), HasSubstr("takes no parameters"));
}

TEST(Compositions, PagesAreReadOrEvicted) {
  const Signals signals;
  const Method& reads = findMethod("quest");
  const Decision all = decide(reads, settingOf("quest", 20), signals.layers);
  EXPECT_TRUE(all.everything);
  EXPECT_THAT(all.reads, ElementsAre(20, 20, 20, 20));
  EXPECT_THAT(decide(reads, settingOf("quest", 20, Preset::Paper), {}).reads, ElementsAre(60, 60, 60, 60))
      << "as published, the first two layers read everything";
  EXPECT_TRUE(decide(reads, settingOf("quest", 60), {}).reads.empty());
  const MethodRequest evicts = parseMethod("quest:evict=on,page=4");
  const Decision some = decide(*evicts.method, settingOf("quest:evict=on,page=4", 20), signals.layers);
  EXPECT_FALSE(some.everything);
  EXPECT_TRUE(some.reads.empty());
  EXPECT_THAT(some.capacity, ElementsAre(20, 20, 20, 20));
  // What heads read can be allocated like what they keep.
  EXPECT_EQ(decide(*parseMethod("snapkv:allocate=adaptive,select=pages").method,
                   settingOf("snapkv:allocate=adaptive,select=pages", 20), signals.layers)
                .reads,
            decide(findMethod("adakv"), settingOf("adakv", 20), signals.layers).capacity);
  EXPECT_THAT(complaint("snapkv:select=pages,evict=on"), HasSubstr("the score of quest alone"));
  EXPECT_THAT(complaint("quest:merge=pivot"), AllOf(HasSubstr("'quest'"), HasSubstr("merge=pivot")));
  EXPECT_THAT(complaint("snapkv:select=pages,values=on"), HasSubstr("no scores"));
  EXPECT_THAT(complaint("quest:evict=maybe"), HasSubstr("'maybe'"));
  EXPECT_THROW((void)settingOf("quest:every=4", 20), UsageError);
}

TEST(Global, RanksAllHeadsOfAllLayersTogether) {
  const Signals signals;
  const Setting setting = settingOf("kvzip:sinks=2", 20);
  const Decision decision = decide(findMethod("kvzip"), setting, signals.layers);
  struct Place {
    float score;
    std::size_t list;
    TokenIndex position;
  };
  std::vector<Place> places;
  for (std::size_t list = 0; list < 4; ++list)
    for (TokenIndex j = 0; j < kShape.tokens; ++j) {
      const float score = signals.layers[list / 2][Signal::Reconstruction][list % 2 * kShape.tokens + j];
      places.push_back({j < 2 ? 9.0F : score, list, j});
    }
  std::ranges::stable_sort(places, std::greater<>(), &Place::score);
  places.resize(80);
  for (std::size_t list = 0; list < 4; ++list) {
    std::vector<TokenIndex> expected;
    for (const Place& place : places)
      if (place.list == list) expected.push_back(place.position);
    std::ranges::sort(expected);
    EXPECT_THAT(decision.kept(LayerIndex(list / 2), list % 2), ElementsAreArray(expected));
  }
  EXPECT_NE(decision.capacity[0], decision.capacity[3]) << "lists differ";
}

TEST(Values, MultiplyScoresByTheNormOfTheGroupsValue) {
  const Signals signals;
  const MethodRequest request = parseMethod("h2o:values=on");
  EXPECT_TRUE(request.method->needs.contains(Signal::ValueNorm));
  const LayerScores plain = scoreLayer(findMethod("h2o"), settingOf("h2o", 20), LayerIndex(0), signals.layers[0]);
  const LayerScores weighed =
      scoreLayer(*request.method, settingOf("h2o:values=on", 20), LayerIndex(0), signals.layers[0]);
  for (std::uint32_t head = 0; head < 2; ++head)
    for (std::uint32_t j = 0; j < plain.candidates; ++j)
      EXPECT_FLOAT_EQ(weighed.head(head)[j],
                      plain.head(head)[j] * signals.layers[0][Signal::ValueNorm][head * kShape.tokens + j]);
}

TEST(Observed, DividesByTheQueriesThatSeeAToken) {
  const Signals signals;
  const LayerScores scores =
      scoreLayer(findMethod("observed"), settingOf("observed", 20), LayerIndex(1), signals.layers[1]);
  ASSERT_EQ(scores.candidates, kShape.tokens) << "no token is kept for being recent";
  const auto received = signals.layers[1][Signal::Received];
  for (std::uint32_t head = 0; head < 2; ++head)
    for (std::uint32_t j = 0; j < kShape.tokens; ++j) {
      const double mean = (double(received[2 * head * 60 + j]) + double(received[(2 * head + 1) * 60 + j])) / 2;
      EXPECT_NEAR(scores.head(head)[j], mean / (60 - j), 1e-6);
    }
}

TEST(L2Norm, KeepsTheSmallestKeysAndSparesTheFirstLayers) {
  const Signals signals;
  const Decision decision = decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 30), signals.layers);
  EXPECT_THAT(decision.capacity, ElementsAre(45, 45, 15, 15)) << "half of the budget is left to the other layers";
  EXPECT_THAT(decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 45), signals.layers).capacity,
              ElementsAre(60, 60, 30, 30));
  EXPECT_THAT(decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 20, Preset::Paper), signals.layers).capacity,
              ElementsAre(60, 60, 20, 20))
      << "the published code adds them to its budget";
  const auto norms = signals.layers[1][Signal::KeyNorm].first(60);
  std::vector<TokenIndex> order(60);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](TokenIndex j) { return norms[j]; });
  std::vector<TokenIndex> smallest(order.begin(), order.begin() + 15);
  std::ranges::sort(smallest);
  EXPECT_THAT(decision.kept(LayerIndex(1), 0), ElementsAreArray(smallest));
}

TEST(Chunks, AreKeptWholeAndAlikeInAllHeads) {
  const Signals signals;
  const Setting setting = settingOf("chunkkv:length=7", 18);  // two chunks and the window
  const Decision decision = decide(*parseMethod("chunkkv:length=7").method, setting, signals.layers);
  const LayerScores plain = scoreLayer(findMethod("snapkv"), settingOf("snapkv", 18), LayerIndex(0), signals.layers[0]);
  std::vector<std::pair<double, TokenIndex>> chunks;
  for (TokenIndex begin = 0; begin < 56; begin += 7) {
    double sum = 0;
    for (TokenIndex j = begin; j < begin + 7; ++j) sum += double(plain.head(0)[j]) + double(plain.head(1)[j]);
    chunks.emplace_back(-sum, begin);
  }
  std::ranges::sort(chunks);
  std::vector<TokenIndex> expected;
  for (const TokenIndex begin :
       {std::min(chunks[0].second, chunks[1].second), std::max(chunks[0].second, chunks[1].second)})
    for (TokenIndex j = begin; j < begin + 7; ++j) expected.push_back(j);
  for (const TokenIndex j : {56U, 57U, 58U, 59U}) expected.push_back(j);
  for (const std::uint32_t head : {0U, 1U}) EXPECT_THAT(decision.kept(LayerIndex(0), head), ElementsAreArray(expected));
}

// Shares of a thousand seeds against exp(score / T), drawn one at a time: the first draw of one token.
TEST(Sampled, FollowsItsDistribution) {
  SignalValues values;
  values[Signal::WindowSum].assign(std::size_t{4} * 60, 0.0F);
  for (std::size_t head = 0; head < 4; ++head) {
    values[Signal::WindowSum][head * 60 + 3] = 2.0F;
    values[Signal::WindowSum][head * 60 + 9] = 1.0F;
  }
  const LayerSignals layer = viewOf(values);
  const std::vector<LayerSignals> layers{layer, layer};
  std::vector<int> drawn(60, 0);
  int draws = 0;
  for (int seed = 0; seed < 1000; ++seed) {
    const std::string text = "nacl:share=1,temperature=0.5,seed=" + std::to_string(seed);
    const Decision decision = decide(findMethod("nacl"), settingOf(text, 5), layers);
    for (std::uint32_t list = 0; list < 4; ++list, ++draws)
      ++drawn[decision.kept(LayerIndex(list / 2), list % 2).front()];
  }
  const double total = std::exp(4.0) + std::exp(2.0) + 54;
  EXPECT_NEAR(drawn[3] / double(draws), std::exp(4.0) / total, 0.025);
  EXPECT_NEAR(drawn[9] / double(draws), std::exp(2.0) / total, 0.025);
  EXPECT_EQ(decide(findMethod("nacl"), settingOf("nacl", 20), layers).positions,
            decide(findMethod("nacl"), settingOf("nacl", 20), layers).positions);
}

TEST(Expressions, AreEvaluatedPerTokenAndHead) {
  const Signals signals;
  const char* text = "expr:received * value_norm / (1 + 0.01*age) + max(head, layer),every=0";
  const MethodRequest request = parseMethod(text);
  EXPECT_EQ(request.method->needs, (SignalSet{Signal::Received, Signal::ValueNorm}));
  EXPECT_EQ(request.given.at("score"), "received * value_norm / (1 + 0.01*age) + max(head, layer)");
  const LayerScores scores = scoreLayer(*request.method, settingOf(text, 20), LayerIndex(1), signals.layers[1]);
  const auto received = signals.layers[1][Signal::Received], norm = signals.layers[1][Signal::ValueNorm];
  for (std::uint32_t head = 0; head < 2; ++head)
    for (std::uint32_t j = 0; j < 56; ++j) {
      const double mean = (double(received[2 * head * 60 + j]) + double(received[(2 * head + 1) * 60 + j])) / 2;
      EXPECT_NEAR(scores.head(head)[j], mean * double(norm[head * 60 + j]) / (1 + 0.01 * (59 - j)) + 1, 1e-5);
    }
}

TEST(Expressions, WhatIsWrongIsNamed) {
  EXPECT_THAT(complaint("expr:windowsum"), AllOf(HasSubstr("unknown name 'windowsum'"), HasSubstr("'window_sum'")));
  EXPECT_THAT(complaint("expr:received *"), HasSubstr("expression 'received *'"));
  EXPECT_THAT(complaint("expr:(received"), HasSubstr("expression '(received'"));
  EXPECT_THAT(complaint("expr:age = 3"), HasSubstr("assignment"));
  EXPECT_THAT(complaint("expr:" + std::string(5000, '1')), HasSubstr("longer than"));
  EXPECT_THAT(complaint("expr:system(1)"), HasSubstr("unknown name 'system'"));
  EXPECT_EQ(complaint("expr:received >= 0.5,group=max"), "accepted");
}

}  // namespace
}  // namespace kvatlas::policy
