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

namespace kvatlas::policy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

constexpr Shape kShape{.layers = 2, .query_heads = 4, .kv_heads = 2, .tokens = 60};

std::string complaint(std::string_view text) {
  try {
    (void)parseMethod(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

Setting settingOf(std::string_view text, std::uint64_t budget, Preset preset = Preset::Exact,
                  Granularity granularity = Granularity::KvHead) {
  return makeSetting(parseMethod(text), kShape, parseBudget(std::to_string(budget)), granularity, preset, 4);
}

// Skewed random values of every signal, so that heads differ.
struct Signals {
  Signals() {
    std::mt19937 random(11);
    for (std::uint32_t layer = 0; layer < kShape.layers; ++layer) {
      SignalValues& of_layer = values[layer];
      for (const SignalInfo& info : signalTable()) {
        const std::size_t count = valueCount(info, {kShape.query_heads, kShape.kv_heads, kShape.tokens, 4});
        for (std::size_t i = 0; i < count; ++i) {
          const double unit = (static_cast<double>(random()) + 1) / 4294967296.0;
          of_layer[info.signal].push_back(static_cast<float>(std::pow(unit, 1 + 8 * double(i) / double(count))));
        }
      }
      layers.push_back(viewOf(of_layer));
    }
  }
  SignalValues values[2];
  std::vector<LayerSignals> layers;
};

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

// Feng et al.'s published steps, head by head, in double.
std::vector<std::uint32_t> naiveAdaptive(const LayerScores& scores, int budget, double floor, bool normalise) {
  std::vector<std::pair<double, std::uint32_t>> all;
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    std::vector<float> sorted(scores.head(head).begin(), scores.head(head).end());
    std::sort(sorted.rbegin(), sorted.rend());
    const double best = std::accumulate(sorted.begin(), sorted.begin() + budget, 0.0),
                 sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
    for (const float one : sorted) all.emplace_back(normalise ? one * best / sum : one, head);
  }
  std::ranges::stable_sort(all, std::greater<>(), &std::pair<double, std::uint32_t>::first);
  std::vector<std::uint32_t> capacity(scores.heads, 0);
  std::vector<int> count(scores.heads, 0);
  for (std::size_t i = 0; i < scores.heads * static_cast<std::size_t>(budget); ++i) ++count[all[i].second];
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    capacity[head] = static_cast<std::uint32_t>(std::nearbyint(count[head] * (1 - floor) + std::floor(budget * floor)));
  return capacity;
}

TEST(Adaptive, PaperPresetEqualsThePublishedSteps) {
  const Signals signals;
  for (const char* text : {"adakv", "adakv:floor=0.5", "adakv:normalise=off", "adakv:floor=0", "h2o:allocate=adaptive"})
    for (const Granularity granularity : {Granularity::KvHead, Granularity::QueryHead})
      for (const std::uint64_t budget : {6U, 13U, 20U, 40U, 59U}) {
        const MethodRequest request = parseMethod(text);
        const Setting setting = settingOf(text, budget, Preset::Paper, granularity);
        const Decision decision = decide(*request.method, setting, signals.layers);
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
          const LayerScores scores = scoreLayer(*request.method, setting, LayerIndex(layer), signals.layers[layer]);
          const auto expected =
              naiveAdaptive(scores, static_cast<int>(budget) - 4, std::stod(setting.parameters.at("floor")),
                            setting.parameters.at("normalise") == "on");
          for (std::uint32_t head = 0; head < decision.heads; ++head)
            EXPECT_EQ(decision.capacity[layer * decision.heads + head], expected[head] + 4)
                << text << " " << budget << " layer " << layer << " head " << head;
        }
      }
}

TEST(Adaptive, ExactBudgetsStayWithinOneOfThePublished) {
  const Signals signals;
  const Decision published = decide(findMethod("adakv"), settingOf("adakv", 23, Preset::Paper), signals.layers),
                 exact = decide(findMethod("adakv"), settingOf("adakv", 23), signals.layers);
  EXPECT_EQ(exact.keptTokens(), 4U * 23U);
  for (std::size_t i = 0; i < exact.capacity.size(); ++i)
    EXPECT_LE(std::abs(int(exact.capacity[i]) - int(published.capacity[i])), 1);
  EXPECT_NE(exact.capacity[0], exact.capacity[1]) << "heads differ";
}

TEST(Allocations, RoundToTheirSum) {
  EXPECT_THAT(roundedToSum(std::vector<double>{1.5, 1.5, 2.0}, 5), ElementsAre(2, 1, 2));
  EXPECT_THAT(roundedToSum(std::vector<double>{0.2, 0.3, 0.5}, 1), ElementsAre(0, 0, 1));
  EXPECT_THAT(boundedToSum(std::vector<double>{1, 1, 8}, 30, 2, 12), AllOf(ElementsAre(9, 9, 12)));
  EXPECT_THAT(boundedToSum(std::vector<double>{0, 0, 1}, 20, 2, 12), ElementsAre(4, 4, 12));
}

std::string tableFile(const char* name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

std::string headTableJson(double first) {
  std::string text = "{";
  for (int layer = 0; layer < 2; ++layer)
    for (int head = 0; head < 4; ++head) {
      const double value = layer == 0 && head == 0 ? first : 0.1;
      text += fmt::format("{}\"{}-{}\": [{}, 0.1]", text.size() > 1 ? ", " : "", layer, head, value);
    }
  return text + "}";
}

TEST(HeadTables, GiveTheirHeadsMore) {
  const Signals signals;
  const std::string path = tableFile("heads.json", headTableJson(0.9));
  const std::string text = "headkv:heads=" + path;
  const Decision decision = decide(findMethod("headkv"), settingOf(text, 20), signals.layers);
  EXPECT_EQ(decision.keptTokens(), 80U);
  EXPECT_GT(decision.capacity[0], decision.capacity[1]);
  EXPECT_NEAR(decision.capacity[1], decision.capacity[2], 1);
  // The published numbers: ⌊20 / 1.01⌋ = 19 a head goes by the table (0.3, 0.1, 0.1, 0.1: mean over the group), 1 and
  // the window of 4 to every head; nothing stands in for what is clipped.
  const Decision published = decide(findMethod("headkv"), settingOf(text, 20, Preset::Paper), signals.layers);
  EXPECT_THAT(published.capacity, ElementsAre(43, 18, 18, 18));
}

TEST(HeadTables, RetrievalHeadsKeepEverything) {
  const Signals signals;
  const std::string path = tableFile("heads.tsv", "0.1\t0.9\n0.2\t0.3\n");
  const std::string text = "duoattention:heads=" + path;
  const Decision decision = decide(findMethod("duoattention"), settingOf(text, 25), signals.layers);
  EXPECT_THAT(decision.capacity, ElementsAre(13, 60, 13, 14)) << "the rest of 100 tokens";
  EXPECT_THAT(decision.kept(LayerIndex(0), 0).first(5), ElementsAre(0, 1, 2, 3, 51));
}

TEST(HeadTables, WhatIsWrongIsNamed) {
  const auto complaintOf = [](const std::string& text) -> std::string {
    try {
      (void)settingOf(text, 20);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(complaintOf("headkv"), HasSubstr("heads=FILE is missing"));
  EXPECT_THAT(complaintOf("headkv:heads=/no/such/file"), HasSubstr("cannot be read"));
  EXPECT_THAT(complaintOf("headkv:heads=" + tableFile("short.json", "{\"0-0\": [1]}")), HasSubstr("has no head '0-1'"));
  EXPECT_THAT(complaintOf("headkv:heads=" + tableFile("text.json", "{\"0-0\": [\"x\"]}")), HasSubstr("not a number"));
  EXPECT_THAT(complaintOf("duoattention:heads=" + tableFile("lines.tsv", "1 2\n3\n")), HasSubstr("line 2"));
  EXPECT_THAT(complaintOf("duoattention:heads=" + tableFile("words.tsv", "1 a\n")), HasSubstr("not a number"));
}

TEST(Lazy, TheLaziestLayersGiveUp) {
  Signals signals;
  // Layer 1 looks at the middle of the prompt, layer 0 does not.
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (std::size_t i = 0; i < signals.values[layer][Signal::WindowRows].size(); ++i)
      signals.values[layer][Signal::WindowRows][i] = layer == 1 && i % 60 == 20 ? 1.0F : 0.0F;
  std::vector<LayerSignals> layers{viewOf(signals.values[0]), viewOf(signals.values[1])};
  const Decision decision = decide(findMethod("simlayerkv"), settingOf("simlayerkv", 40), layers);
  EXPECT_THAT(decision.capacity, ElementsAre(20, 20, 60, 60));
  EXPECT_THAT(decision.kept(LayerIndex(0), 0).first(5), ElementsAre(0, 1, 2, 3, 44));
}

TEST(Preference, SpreadAndChangingLayersGetMore) {
  Signals signals;
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (std::size_t i = 0; i < signals.values[layer][Signal::WindowRows].size(); ++i) {
      const std::size_t row = i / 60 % 4, j = i % 60;
      signals.values[layer][Signal::WindowRows][i] = layer == 0 ? (j == row ? 0.9F : 0.0F) : (j == 5 ? 0.9F : 0.001F);
    }
  std::vector<LayerSignals> layers{viewOf(signals.values[0]), viewOf(signals.values[1])};
  const Decision decision = decide(findMethod("cake"), settingOf("cake", 30), layers);
  EXPECT_EQ(decision.keptTokens(), 120U);
  EXPECT_GT(decision.capacity[0], decision.capacity[2]) << "layer 1 does not change from query to query";
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
