// Numbers behind the charts and strips against sums done another way, from a trace on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/support/sample_trace.h"
#include "views/models/figures/layer_lines.h"
#include "views/models/figures/map_data.h"
#include "views/models/figures/run_strips.h"
#include "views/models/figures/trace_facts.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class ChartTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    test::SampleTraceOptions options;
    options.budgets = {32, 64};
    s_sample = new test::SampleTrace(test::makeSampleTrace(options));
    s_path = new std::filesystem::path(std::filesystem::temp_directory_path() /
                                       ("views-chart-" + std::to_string(::getpid()) + ".kva.h5"));
    test::writeSampleTrace(*s_path, *s_sample);
    s_reader = new trace::Reader(*s_path);
  }
  static void TearDownTestSuite() {
    delete s_reader;
    std::filesystem::remove(*s_path);
    delete s_path;
    delete s_sample;
  }
  static const trace::Reader& reader() { return *s_reader; }
  static const test::SampleTrace& sample() { return *s_sample; }

 private:
  inline static test::SampleTrace* s_sample = nullptr;
  inline static std::filesystem::path* s_path = nullptr;
  inline static trace::Reader* s_reader = nullptr;
};

std::string usageMessage(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no UsageError";
}

TEST_F(ChartTest, RunsAreChosenByMethodBudgetAndNumber) {
  const RunChoice all = chooseRuns(reader(), {}, {});
  EXPECT_EQ(all.runs.size(), sample().header.runs.size() - 1) << "everything but the full run";
  EXPECT_THAT(all.budgets, ::testing::ElementsAre("32", "64"));
  const RunChoice one = chooseRuns(reader(), {"snapkv@64"}, {});
  ASSERT_EQ(one.runs.size(), 1U);
  EXPECT_EQ(one.runs[0].header.method, "snapkv");
  EXPECT_EQ(one.runs[0].title, "SnapKV");
  EXPECT_EQ(chooseRuns(reader(), {std::to_string(one.runs[0].index)}, {}).runs[0].index, one.runs[0].index);
  EXPECT_EQ(chooseRuns(reader(), {"h2o"}, {"32"}).runs.size(), 1U);
  EXPECT_THAT(usageMessage([&] { (void)chooseRuns(reader(), {"snapvk"}, {}); }), HasSubstr("did you mean 'snapkv'"));
  EXPECT_THAT(usageMessage([&] { (void)chooseRuns(reader(), {}, {"48"}); }), HasSubstr("'48'"));
}

TEST_F(ChartTest, BudgetLinesAreMeanCapacities) {
  const LayerLines chart = budgetLines(reader(), chooseRuns(reader(), {}, {}));
  ASSERT_EQ(chart.panels.size(), 2U);
  for (const LayerPanel& panel : chart.panels) {
    for (const LayerSeries& series : panel.series) {
      const trace::RunRecord& run = sample().runs[series.run];
      double total = 0;
      for (const double value : series.values) total += value;
      // Counted from the kept positions themselves, not from the capacity table.
      const double kept = static_cast<double>(run.kept_positions.size()) / sample().header.runs[series.run].heads;
      EXPECT_NEAR(total, kept, 1e-9) << series.title;
    }
  }
}

TEST_F(ChartTest, RetainedLinesAreMeansAndStayBelowTheirOracle) {
  const RunChoice choice = chooseRuns(reader(), {}, {"32"});
  const LayerLines chart = retainedLines(reader(), choice, 0);
  ASSERT_EQ(chart.panels.size(), 1U);
  const trace::ModelInfo& model = sample().header.model;
  std::size_t lines = 0;
  for (const LayerSeries& series : chart.panels[0].series) {
    if (series.oracle) continue;
    ++lines;
    const std::vector<float>& retained = sample().runs[series.run].retained;
    for (std::size_t layer = 0; layer < model.layers; ++layer) {
      double sum = 0;
      std::size_t count = 0;
      for (std::size_t i = 0; i < retained.size(); ++i) {
        if (i / model.query_heads % model.layers != layer) continue;
        sum += static_cast<double>(retained[i]);
        ++count;
      }
      EXPECT_NEAR(series.values[layer], sum / static_cast<double>(count), 1e-6) << series.title << layer;
      EXPECT_LE(series.low[layer], series.high[layer]);
    }
  }
  EXPECT_EQ(lines, choice.runs.size());
  EXPECT_TRUE(std::any_of(chart.panels[0].series.begin(), chart.panels[0].series.end(),
                          [](const LayerSeries& s) { return s.oracle; }));
}

TEST_F(ChartTest, StripsCountWhatIsKept) {
  const trace::ModelInfo& model = sample().header.model;
  for (const ChosenRun& run : chooseRuns(reader(), {}, {"64"}).runs) {
    const ValueGrid fractions = keptFractions(model, reader().tokens(), run);
    double kept = 0;
    for (const float value : fractions.values) kept += static_cast<double>(value) * run.header.heads;
    EXPECT_NEAR(kept, static_cast<double>(run.record.kept_positions.size()), 1e-3) << run.title;
    // Query head 3 of 4 is served by stored head 1 of 2.
    const ValueGrid strip = keptStrip(model, reader().tokens(), run, LayerIndex(2), HeadIndex(3));
    const std::size_t row = 2 * run.header.heads + 3 * run.header.heads / model.query_heads;
    std::size_t ones = 0;
    for (std::size_t p = 0; p < reader().tokens(); ++p) ones += strip.at(0, p) == 1.0F ? 1 : 0;
    EXPECT_EQ(ones, run.record.kept_offsets[row + 1] - run.record.kept_offsets[row]);
    for (std::uint64_t k = run.record.kept_offsets[row]; k < run.record.kept_offsets[row + 1]; ++k)
      EXPECT_EQ(strip.at(0, run.record.kept_positions[k]), 1.0F);
  }
}

TEST_F(ChartTest, MapsAreMaskedAboveTheDiagonalAndAveragedOverHeads) {
  const MapPanel mean = loadMap(reader(), LayerIndex(1), std::nullopt, trace::Reduction::Mean, 1000);
  const std::size_t n = mean.grid.rows;
  ASSERT_EQ(n, (reader().tokens() + mean.cell - 1) / mean.cell);
  std::vector<MapPanel> heads;
  for (std::size_t h = 0; h < sample().header.model.query_heads; ++h)
    heads.push_back(loadMap(reader(), LayerIndex(1), HeadIndex(h), trace::Reduction::Mean, 1000));
  for (std::size_t r = 0; r < n; r += 3) {
    // A row of the mean map, weighted by its pairs, is the attention of its queries: one each.
    double mass = 0;
    for (std::size_t c = 0; c < n; ++c) {
      if (c > r) {
        EXPECT_EQ(mean.grid.at(r, c), kMasked);
        continue;
      }
      double sum = 0;
      for (const MapPanel& head : heads) sum += static_cast<double>(head.grid.at(r, c));
      EXPECT_NEAR(mean.grid.at(r, c), sum / static_cast<double>(heads.size()), 1e-6);
      mass += static_cast<double>(mean.grid.at(r, c) * mean.grid.weights[r * n + c]);
    }
    EXPECT_NEAR(mass, static_cast<double>(mean.cell), 2e-3 * static_cast<double>(mean.cell)) << "row " << r;
  }
}

TEST_F(ChartTest, LevelsAreChosenByTheCellsWanted) {
  EXPECT_EQ(loadMap(reader(), LayerIndex(0), HeadIndex(0), trace::Reduction::Max, 1 << 20).cell,
            sample().header.attention.cells.front());
  EXPECT_EQ(loadMap(reader(), LayerIndex(0), HeadIndex(0), trace::Reduction::Max, 1).cell,
            sample().header.attention.cells.back());
}

// Of a long prompt nearly all means are far below the published end of the scale.
TEST(FittedClip, LeavesTwoPercentAboveAndNeverRisesAboveThePublishedOne) {
  const auto panelOf = [](double largest) {
    MapPanel panel;
    panel.grid = ValueGrid::filled(10, 10, kMasked);
    for (std::size_t i = 0; i < 50; ++i)
      panel.grid.values[i] = static_cast<float>(largest * (static_cast<double>(i) + 1) / 50);
    return panel;
  };
  EXPECT_DOUBLE_EQ(fittedClip({panelOf(3e-5)}, 0.01), 5e-5);
  EXPECT_DOUBLE_EQ(fittedClip({panelOf(1.01e-4)}, 0.01), 1e-4) << "the largest one is among the two percent";
  EXPECT_DOUBLE_EQ(fittedClip({panelOf(3e-5), panelOf(7e-4)}, 0.01), 1e-3);
  EXPECT_DOUBLE_EQ(fittedClip({panelOf(0.8)}, 0.01), 0.01);
  EXPECT_DOUBLE_EQ(fittedClip({MapPanel{}}, 0.01), 0.01);
}

TEST_F(ChartTest, FactsNameTheTrace) {
  const TraceFacts facts = traceFacts(reader());
  EXPECT_EQ(facts.tokens, 256U);
  EXPECT_EQ(facts.prompt_sha256.size(), 64U);
  EXPECT_TRUE(facts.complete);
  EXPECT_THAT(facts.file, HasSubstr("views-chart-"));
  EXPECT_THAT(usageMessage([&] { requireLayer(reader(), 99); }), HasSubstr("0 to 3"));
  EXPECT_THAT(usageMessage([&] { requireHead(reader(), 4); }), HasSubstr("0 to 3"));
}

}  // namespace
}  // namespace kvatlas::views
