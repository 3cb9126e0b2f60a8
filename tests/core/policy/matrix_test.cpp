// Properties of every method of the table under every setting; a new row needs no change here.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <numeric>
#include <optional>
#include <random>

#include "core/base/error.h"
#include "core/policy/parameters.h"

namespace kvatlas::policy {
namespace {

// Random values for exactly the signals of the table, in the table's shapes.
class Signals {
 public:
  Signals(const Shape& shape, std::uint32_t window) {
    const SignalShape sizes{shape.query_heads, shape.kv_heads, shape.tokens, std::min(window, shape.tokens)};
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
      SignalValues& of_layer = m_values.emplace_back();
      for (const SignalInfo& info : signalTable()) of_layer[info.signal] = draw(valueCount(info, sizes));
      m_layers.push_back(viewOf(of_layer));
    }
  }
  [[nodiscard]] std::span<const LayerSignals> layers() const { return m_layers; }

 private:
  // Few distinct values, so that ties are common.
  std::vector<float> draw(std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(m_random() % 64) / 64;
    return values;
  }
  std::mt19937 m_random{7};
  std::deque<SignalValues> m_values;
  std::vector<LayerSignals> m_layers;
};

// Every other value of each parameter, one at a time, along with the defaults.
std::vector<std::string> requests(const Method& method) {
  const std::string name(method.name);
  std::vector<std::string> texts{name};
  for (const ParameterSpec& spec : method.parameters) {
    if (spec.kind == ParameterKind::Text) continue;
    const std::string key = name + ":" + std::string(spec.name) + "=";
    if (spec.kind == ParameterKind::Choice) {
      for (std::size_t begin = 0; begin <= spec.values.size();) {
        const std::size_t end = std::min(spec.values.find('|', begin), spec.values.size());
        texts.push_back(key + std::string(spec.values.substr(begin, end - begin)));
        begin = end + 1;
      }
    } else {
      texts.push_back(key + fmt::format("{}", spec.lowest));
      texts.push_back(key + fmt::format("{}", std::min(spec.lowest + 2, spec.highest)));
    }
  }
  return texts;
}

void checkDecision(const Decision& decision, const Setting& setting) {
  ASSERT_EQ(decision.layers, setting.shape.layers);
  ASSERT_EQ(decision.heads, setting.heads());
  ASSERT_EQ(decision.capacity.size(), std::size_t{decision.layers} * decision.heads);
  ASSERT_EQ(decision.offsets.size(), decision.capacity.size() + 1);
  ASSERT_EQ(decision.offsets.front(), 0U);
  ASSERT_EQ(decision.everything, setting.budget >= setting.shape.tokens || !decision.reads.empty());
  ASSERT_EQ(decision.positions.size(), decision.everything ? setting.shape.tokens : decision.keptTokens());
  for (std::uint32_t layer = 0; layer < decision.layers; ++layer)
    for (std::uint32_t head = 0; head < decision.heads; ++head) {
      const auto kept = decision.kept(LayerIndex(layer), head);
      ASSERT_EQ(kept.size(), decision.capacity[layer * decision.heads + head]);
      ASSERT_TRUE(std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) == kept.end());
      ASSERT_FALSE(kept.empty());
      if (setting.recent > 0) {
        ASSERT_EQ(kept.back(), setting.shape.tokens - 1) << "the last token is always kept";
      }
    }
}

// Reasons of all kept positions; `Window` must match the window.
void checkReasons(const Method& method, const Setting& setting, const Decision& decision) {
  const bool everything = setting.budget >= setting.shape.tokens || method.reads_pages;
  for (const TokenIndex position : decision.positions) {
    const Reason reason = reasonFor(method, setting, position, true);
    ASSERT_NE(reason, Reason::Evicted);
    ASSERT_EQ(reason == Reason::Everything, everything);
  }
  if (everything || method.reason != nullptr) return;
  for (std::uint32_t row = 0; row < decision.capacity.size(); ++row) {
    const auto kept = decision.kept(LayerIndex(row / decision.heads), row % decision.heads);
    const auto in_window = std::count_if(kept.begin(), kept.end(), [&](TokenIndex position) {
      return reasonFor(method, setting, position, true) == Reason::Window;
    });
    ASSERT_EQ(in_window, setting.recent);
  }
}

void checkBudget(const Method& method, const Setting& setting, const Decision& decision) {
  const auto rows = decision.capacity.size();
  const std::uint64_t nominal = std::min<std::uint64_t>(setting.budget, setting.shape.tokens);
  // Where nothing is evicted, the budget is what queries read.
  const std::uint64_t spent = decision.reads.empty()
                                  ? decision.keptTokens()
                                  : std::accumulate(decision.reads.begin(), decision.reads.end(), std::uint64_t{0});
  ASSERT_EQ(method.reads_pages && setting.budget < setting.shape.tokens, !decision.reads.empty());
  if (setting.preset == Preset::Exact) {
    ASSERT_EQ(spent, rows * nominal);
  } else {
    const std::uint64_t rounding = method.allocate_reads_scores ? rows : 0;  // AdaKV: one per head
    ASSERT_GE(spent + rounding, rows * nominal) << "the published arithmetic never keeps less";
  }
}

// A method with its defaults at every budget; each other value of a parameter at two.
std::vector<const char*> budgetsFor(const std::string& request) {
  if (request.find(':') != std::string::npos) return {"34", "90%"};
  return {"34", "39", "40", "90%", "full", "5000"};
}

// Empty where the method says that the budget cannot be spent.
std::optional<Setting> spendable(const std::string& request, const Shape& shape, const char* budget,
                                 Granularity granularity, Preset preset, std::uint32_t window) {
  try {
    return makeSetting(parseMethod(request), shape, parseBudget(budget), granularity, preset, window);
  } catch (const UsageError& error) {
    if (std::string_view(error.what()).find("cannot be spent") == std::string_view::npos) throw;
    return std::nullopt;
  }
}

TEST(Matrix, EveryMethodMeetsItsContract) {
  int decisions = 0;
  for (const Shape& shape : {Shape{1, 1, 1, 40}, Shape{2, 4, 2, 41}, Shape{5, 6, 2, 97}, Shape{3, 8, 8, 300}})
    for (const std::uint32_t window : {1U, 8U, 32U}) {
      const Signals signals(shape, window);
      for (const Method& method : methods()) {
        if (findParameter(method, "heads") != nullptr) continue;  // composition_test.cpp
        for (const std::string& request : requests(method))
          for (const char* budget : budgetsFor(request))
            for (const Granularity granularity : {Granularity::KvHead, Granularity::QueryHead})
              for (const Preset preset : {Preset::Exact, Preset::Paper}) {
                SCOPED_TRACE(request + " " + budget + " W=" + std::to_string(window) +
                             " N=" + std::to_string(shape.tokens));
                const std::optional<Setting> made = spendable(request, shape, budget, granularity, preset, window);
                if (!made) continue;
                const Setting& setting = *made;
                const Method& asked = *parseMethod(request).method;  // evict=on composes another one
                const Decision decision = decide(asked, setting, signals.layers());
                ASSERT_NO_FATAL_FAILURE(checkDecision(decision, setting));
                ASSERT_NO_FATAL_FAILURE(checkReasons(asked, setting, decision));
                ASSERT_NO_FATAL_FAILURE(checkBudget(asked, setting, decision));
                const Decision again = decide(asked, setting, signals.layers());
                ASSERT_EQ(decision.positions, again.positions);
                ++decisions;
              }
      }
    }
  EXPECT_GT(decisions, 5000);
}

// Enough work to be split among threads: the result must depend neither on that nor on neighbouring layers.
TEST(Matrix, ManyLayersDecideLikeEachAlone) {
  const Shape shape{.layers = 12, .query_heads = 16, .kv_heads = 16, .tokens = 8000};
  const Signals signals(shape, 8);
  for (const char* name : {"h2o", "snapkv"}) {
    const Method& method = findMethod(name);
    const Setting setting =
        makeSetting(parseMethod(name), shape, parseBudget("10%"), Granularity::KvHead, Preset::Exact, 8);
    const Decision together = decide(method, setting, signals.layers());
    Setting alone = setting;
    alone.shape.layers = 1;
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
      const Decision one = decide(method, alone, signals.layers().subspan(layer, 1));
      for (std::uint32_t head = 0; head < 16; ++head)
        ASSERT_TRUE(std::ranges::equal(together.kept(LayerIndex(layer), head), one.kept(LayerIndex(0), head)));
    }
  }
}

// A row reads exactly the signals in `needs`: each other signal may be absent, none of these may.
TEST(Matrix, EveryMethodReadsExactlyTheSignalsItNeeds) {
  const Shape shape{.layers = 2, .query_heads = 4, .kv_heads = 2, .tokens = 60};
  const Signals signals(shape, 8);
  for (const Method& method : methods()) {
    SCOPED_TRACE(method.name);
    if (findParameter(method, "heads") != nullptr) continue;
    const Setting setting = makeSetting({&method, {}}, shape, parseBudget("20"), Granularity::KvHead, Preset::Paper, 8);
    std::vector<LayerSignals> needed(shape.layers);
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer)
      for (const Signal one : method.needs.members()) needed[layer][one] = signals.layers()[layer][one];
    EXPECT_EQ(decide(method, setting, needed).positions, decide(method, setting, signals.layers()).positions);
    for (const Signal one : method.needs.members()) {
      std::vector<LayerSignals> without = needed;
      without[1][one] = {};
      EXPECT_THROW((void)decide(method, setting, without), Error);
    }
  }
}

TEST(Matrix, MissingSignalsAreNamed) {
  const Shape shape{.layers = 3, .query_heads = 2, .kv_heads = 1, .tokens = 50};
  const Signals signals(shape, 8);
  const auto messageOf = [&](const char* name, std::span<const LayerSignals> layers) -> std::string {
    try {
      (void)decide(findMethod(name),
                   makeSetting(parseMethod(name), shape, parseBudget("20"), Granularity::KvHead, Preset::Exact, 8),
                   layers);
    } catch (const Error& error) {
      return error.what();
    }
    return "decided";
  };
  EXPECT_THAT(messageOf("h2o", signals.layers().first(2)), testing::HasSubstr("'received' of all 3 layers, found 2"));
  EXPECT_THAT(messageOf("snapkv", std::vector<LayerSignals>(3)), testing::HasSubstr("'window_sum' is not recorded"));
  EXPECT_EQ(messageOf("streamingllm", {}), "decided");
  EXPECT_EQ(messageOf("full", {}), "decided");
}

}  // namespace
}  // namespace kvatlas::policy
