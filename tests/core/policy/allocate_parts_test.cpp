// How a budget is spread over heads and layers, against naive computations.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "core/policy/allocation.h"
#include "tests/core/policy/composition_case.h"

namespace kvatlas::policy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

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
}  // namespace
}  // namespace kvatlas::policy
