// Recomputed decisions equal recorded ones, for every method and budget, and say which signal is missing.
#include "views/models/document/what_if.h"

#include <gmock/gmock.h>

#include "core/trace/writer.h"
#include "kernels/log2_codec.h"
#include "tests/views/opened_document.h"

namespace kvatlas::views {
namespace {

using test::SampleTrace;
using test::SampleTraceOptions;
using ::testing::HasSubstr;

// The sample with what core/policy decides on its layers, as a capture would record it.
SampleTrace decidedSample(const SampleTraceOptions& options) {
  SampleTrace sample = test::makeSampleTrace(options);
  std::vector<LayerSignals> recorded;
  for (const trace::LayerRecord& layer : sample.layers) recorded.push_back(viewOf(layer.values));
  for (std::size_t run = 1; run < sample.runs.size(); ++run) {
    const trace::RunHeader& header = sample.header.runs[run];
    const auto rule = keepRuleOf(header, shapeOf(sample.header.model, sample.header.prompt.ids.size()), options.window);
    const policy::Decision decision = policy::decide(*rule->method, rule->setting, recorded);
    sample.runs[run].capacity = decision.capacity;
    sample.runs[run].kept_offsets = decision.offsets;
    sample.runs[run].kept_positions = decision.positions;
    sample.runs[run].everything = decision.everything;
  }
  return sample;
}

class WhatIfTest : public test::OpenedDocumentTest {
 protected:
  WhatIfTest() {
    QObject::connect(&m_what_if, &WhatIf::decided, [this] { ++m_decided; });
    QObject::connect(&m_what_if, &WhatIf::failed, [this](const QString& text) { m_message = text.toStdString(); });
    QObject::connect(&m_what_if, &WhatIf::progress, [this](int, int) { ++m_progress; });
  }
  RunPointer ask(const WhatIfRequest& request) {
    m_message.clear();
    const int before = m_decided;
    m_what_if.ask(request);
    waitUntil([&] { return !m_message.empty() || (m_decided > before && !m_what_if.busy()); });
    return m_message.empty() ? m_document.run(m_what_if.run()) : nullptr;
  }

  WhatIf m_what_if{m_document};
  int m_decided = 0, m_progress = 0;
  std::string m_message;
};

TEST_F(WhatIfTest, RecordedParametersGiveTheRecordedPositions) {
  for (const bool query_heads : {false, true}) {
    SampleTraceOptions options{.layers = 3, .new_tokens = 1, .budgets = {16, 48, 200}};
    options.query_head_granularity = query_heads;
    test::writeSampleTrace(m_folder / "decided.kva.h5", decidedSample(options));
    ASSERT_TRUE(open(m_folder / "decided.kva.h5"));
    for (const RunId id : m_document.runIds()) {
      if (isWhatIf(id)) continue;
      const RunPointer recorded = runOf(id);
      const RunPointer made = ask(requestOf(recorded->run.header, 8));
      ASSERT_NE(made, nullptr) << m_message;
      EXPECT_EQ(made->run.record.capacity, recorded->run.record.capacity) << id;
      if (id == 0) continue;
      EXPECT_EQ(made->run.record.kept_offsets, recorded->run.record.kept_offsets) << id;
      EXPECT_EQ(made->run.record.kept_positions, recorded->run.record.kept_positions) << id;
      EXPECT_EQ(made->reason(LayerIndex(1), 0, 255), recorded->reason(LayerIndex(1), 0, 255));
    }
  }
}

TEST_F(WhatIfTest, BudgetAndBetaAreReadOffOneRanking) {
  ASSERT_TRUE(openSample({.layers = 3}));
  ASSERT_NE(ask({.method = "pyramidkv", .budget = "20"}), nullptr) << m_message;
  const int progress = m_progress;
  EXPECT_EQ(progress, 3);
  for (const char* budget : {"30", "60", "120", "50%"}) {
    const int before = m_decided;
    m_what_if.ask({.method = "pyramidkv", .parameters = {{"beta", "5"}}, .budget = budget});
    EXPECT_EQ(m_decided, before + 1) << "at once";
  }
  m_what_if.ask({.method = "snapkv", .budget = "40"});
  EXPECT_EQ(m_progress, progress) << "SnapKV scores as PyramidKV does";
  EXPECT_EQ(m_document.run(m_what_if.run())->run.record.budget_realised, 40.0);
  ASSERT_NE(ask({.method = "snapkv", .parameters = {{"kernel", "3"}}, .budget = "40"}), nullptr);
  EXPECT_EQ(m_progress, progress + 3) << "another kernel is another score";
}

TEST_F(WhatIfTest, TheLatestRequestCounts) {
  ASSERT_TRUE(openSample());
  m_what_if.ask({.method = "h2o", .budget = "50"});
  m_what_if.ask({.method = "snapkv", .budget = "60"});
  const RunPointer last = ask({.method = "snapkv", .budget = "70"});
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->run.header.method, "snapkv");
  EXPECT_EQ(last->run.record.budget_realised, 70.0);
  EXPECT_EQ(m_decided, 1);
}

TEST_F(WhatIfTest, IsOneRunAmongTheOthersUntilItIsRemoved) {
  ASSERT_TRUE(openSample());
  const std::size_t runs = m_document.runIds().size();
  ASSERT_NE(ask({.budget = "40"}), nullptr);
  ASSERT_NE(ask({.budget = "50"}), nullptr);
  EXPECT_EQ(m_document.runIds().size(), runs + 1);
  const RunId id = m_what_if.run();
  m_selection.setFocusRun(id);
  EXPECT_EQ(m_selection.focusRun(), id);
  m_what_if.remove();
  EXPECT_EQ(m_document.runIds().size(), runs);
  EXPECT_EQ(m_selection.focusRun(), kNoRun);
  ASSERT_NE(ask({.budget = "60"}), nullptr);
}

TEST_F(WhatIfTest, ASmallerWindowIsSummedFromTheRows) {
  SampleTraceOptions options{.layers = 2};
  const SampleTrace made = test::makeSampleTrace(options);
  ASSERT_TRUE(openSample(options));
  WhatIfRequest request{.method = "snapkv", .parameters = {{"pooling", "none"}}, .budget = "24", .window = 3};
  request.granularity = policy::Granularity::QueryHead;
  const RunPointer run = ask(request);
  ASSERT_NE(run, nullptr) << m_message;
  for (std::size_t head = 0; head < 4; ++head) {
    std::vector<std::pair<double, std::uint32_t>> scores;
    for (std::uint32_t token = 0; token < 253; ++token) {
      double sum = 0;
      for (std::size_t row = 5; row < 8; ++row) {
        float p = 0;
        kernels::decodeLog2(&made.layers[1].codes[Signal::WindowRows][(head * 8 + row) * 256 + token], &p, 1);
        sum += static_cast<double>(p);
      }
      scores.emplace_back(-static_cast<double>(static_cast<float>(sum)), token);
    }
    std::sort(scores.begin(), scores.end());
    std::vector<TokenIndex> expected = {253, 254, 255};
    for (std::size_t i = 0; i < 21; ++i) expected.push_back(scores[i].second);
    std::sort(expected.begin(), expected.end());
    const auto kept = run->kept(LayerIndex(1), head);
    EXPECT_EQ(std::vector<TokenIndex>(kept.begin(), kept.end()), expected);
  }
}

TEST_F(WhatIfTest, SaysWhatIsMissing) {
  ASSERT_TRUE(openSample());
  EXPECT_EQ(ask({.method = "snapkv", .budget = "40", .window = 16}), nullptr);
  EXPECT_THAT(m_message, HasSubstr("last 16 queries; 8 are recorded"));
  EXPECT_NE(ask({.method = "h2o", .budget = "40", .window = 16}), nullptr) << "H2O looks at all queries";
  EXPECT_EQ(ask({.method = "snapkw", .budget = "40"}), nullptr);
  EXPECT_THAT(m_message, HasSubstr("snapkv"));
  EXPECT_EQ(ask({.method = "snapkv", .parameters = {{"kernel", "4"}}, .budget = "40"}), nullptr);
  EXPECT_THAT(m_message, HasSubstr("kernel"));
  EXPECT_EQ(ask({.method = "snapkv", .budget = "8"}), nullptr);
  EXPECT_THAT(m_message, HasSubstr("window"));

  SampleTrace partial = test::makeSampleTrace();
  trace::Writer writer(m_folder / "partial.kva.h5", partial.header);
  writer.writeLayer(partial.layers[0]);
  writer.finish();
  ASSERT_TRUE(open(m_folder / "partial.kva.h5"));
  EXPECT_EQ(ask({.method = "h2o", .budget = "40"}), nullptr);
  EXPECT_THAT(m_message, HasSubstr("'received' of all 4 layers; 1 of them"));
  EXPECT_NE(ask({.method = "streamingllm", .budget = "40"}), nullptr) << "it looks at no score";
  m_document.close();
  m_what_if.ask({});
  EXPECT_THAT(m_message, HasSubstr("No trace"));
}

TEST_F(WhatIfTest, AScoreOfOnesOwnReplacesTheMethods) {
  ASSERT_TRUE(openSample({.layers = 2}));
  auto latest = std::make_shared<ScoreSource>();
  latest->name = "position";
  latest->needs = {Signal::Entropy};
  latest->score = [](const policy::Setting& setting, LayerIndex, const LayerSignals& of_layer) {
    EXPECT_EQ(of_layer[Signal::Entropy].size(), 4U * 256U);
    policy::LayerScores scores{setting.heads(), setting.shape.tokens - setting.window, {}};
    for (std::uint32_t i = 0; i < scores.heads * scores.candidates; ++i)
      scores.values.push_back(static_cast<float>(i % scores.candidates));
    return scores;
  };
  WhatIfRequest request{.method = "snapkv", .budget = "20"};
  request.score = latest;
  const RunPointer run = ask(request);
  ASSERT_NE(run, nullptr) << m_message;
  EXPECT_EQ(run->kept(LayerIndex(0), 0).front(), 236U);
}

TEST_F(WhatIfTest, AnotherTraceWhileRankingIsSurvived) {
  ASSERT_TRUE(openSample());
  const auto other = sample("other.kva.h5", {.tokens = 100, .layers = 2});
  m_what_if.ask({.method = "h2o", .budget = "50"});
  ASSERT_TRUE(open(other));
  EXPECT_FALSE(m_what_if.busy());
  EXPECT_EQ(m_what_if.run(), kNoRun);
  ASSERT_NE(ask({.method = "h2o", .budget = "50"}), nullptr);
  EXPECT_EQ(m_document.run(m_what_if.run())->tokens, 100U);
}

}  // namespace
}  // namespace kvatlas::views
