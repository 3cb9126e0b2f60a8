// The cache contents of a run at each generated token, against a naive count, and second traces.
#include "views/models/items/decode_grid.h"
#include "views/models/items/decode_attended.h"
#include "views/models/items/eviction_text.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/views/opened_document.h"

namespace kvatlas::views {
namespace {

using DecodeGridTest = test::OpenedDocumentTest;

RunView viewOf(std::uint64_t tokens, std::vector<std::vector<TokenIndex>> kept, std::size_t steps,
               std::vector<trace::Eviction> evicted) {
  RunView view;
  view.model.layers = 1;
  view.model.query_heads = view.model.kv_heads = static_cast<std::uint32_t>(kept.size());
  view.tokens = tokens;
  view.run.header.heads = view.model.kv_heads;
  view.run.record.kept_offsets = {0};
  for (const auto& list : kept) {
    view.run.record.kept_positions.insert(view.run.record.kept_positions.end(), list.begin(), list.end());
    view.run.record.kept_offsets.push_back(view.run.record.kept_positions.size());
  }
  view.run.record.decode_ids.resize(steps);
  view.run.record.evicted = std::move(evicted);
  return view;
}

TEST(DecodeGrid, HeldIsKeptPlusGeneratedMinusEvicted) {
  const RunView view = viewOf(6, {{0, 2}, {0, 5}}, 3, {{1, 0, 0, 2}, {2, 0, 1, 0}, {2, 0, 1, 6}});
  const DecodeGrid grid = decodeGrid(view, LayerIndex(0), {HeadChoice::MeanOverHeads, 0}, 100);
  EXPECT_EQ(grid.bin, 1U);
  EXPECT_EQ(grid.positions, 9U);
  ASSERT_EQ(grid.held.rows, 3U);
  ASSERT_EQ(grid.held.columns, 9U);
  const float x = kMasked;
  const std::vector<float> expected{1,    0, 0.5F, 0, 0, 0.5F, 1,    x, x,  //
                                    1,    0, 0,    0, 0, 0.5F, 1,    1, x,  //
                                    0.5F, 0, 0,    0, 0, 0.5F, 0.5F, 1, 1};
  EXPECT_EQ(grid.held.values, expected);
}

TEST(DecodeGrid, AQuestionIsHeldByAllHeadsAndNothingElseShifts) {
  RunView view = viewOf(6, {{0, 2}, {0, 5}}, 2, {{1, 0, 0, 8}});
  view.question = 2;
  const DecodeGrid grid = decodeGrid(view, LayerIndex(0), {HeadChoice::MeanOverHeads, 0}, 100);
  EXPECT_EQ(grid.positions, 10U);
  const float x = kMasked;
  EXPECT_EQ(grid.held.values, (std::vector<float>{1, 0, 0.5F, 0, 0, 0.5F, 1, 1, 1,    x,  //
                                                  1, 0, 0.5F, 0, 0, 0.5F, 1, 1, 0.5F, 1}));
}

TEST(DecodeGrid, SeveralLayersAreOneShare) {
  RunView view = viewOf(3, {{0}, {1}}, 1, {});
  view.model.layers = 2;
  view.model.query_heads = view.model.kv_heads = view.run.header.heads = 1;
  const std::vector<LayerIndex> layers = {LayerIndex(0), LayerIndex(1)};
  EXPECT_EQ(decodeGrid(view, layers, {HeadChoice::MeanOverHeads, 0}, 100).held.values,
            (std::vector<float>{0.5F, 0.5F, 0, 1}));
}

TEST(EvictionText, SaysWhoEvictedWhenAndWhy) {
  RunView view = viewOf(6, {{0, 2}, {0, 5}, {2, 5}}, 4, {{1, 0, 0, 2}, {2, 0, 1, 0}, {3, 0, 0, 0}});
  view.run.header.method = "h2o";
  const HeadChoice all{HeadChoice::MeanOverHeads, 0};
  EXPECT_EQ(evictionStory(view, LayerIndex(0), all, 0, 3),
            "of 3 heads, evicted by 1 at the end of the prompt, 2 after tokens 2 to 3 (lowest score)");
  EXPECT_EQ(evictionStory(view, LayerIndex(0), all, 0, 1), "of 3 heads, evicted by 1 at the end of the prompt");
  EXPECT_EQ(evictionStory(view, LayerIndex(0), {HeadChoice::QueryHead, 0}, 2, 1),
            "evicted after token 1 (lowest score)");
  EXPECT_EQ(evictionStory(view, LayerIndex(0), {HeadChoice::QueryHead, 0}, 0, 2), "");
  view.run.header.method = "streamingllm";
  EXPECT_EQ(evictionReason(view), "left the window");
  const auto evicted = evictedAt(view, 2);
  ASSERT_EQ(evicted.size(), 1U);
  EXPECT_EQ(evicted[0].position, 0U);
  EXPECT_EQ(evicted[0].lists, 1U);
}

TEST(DecodeGrid, BinsTakeTheMaximumAndOneHeadIsUnchanged) {
  const RunView view = viewOf(6, {{0, 2}, {0, 5}}, 2, {});
  const DecodeGrid grid = decodeGrid(view, LayerIndex(0), {HeadChoice::QueryHead, 1}, 3);
  EXPECT_EQ(grid.bin, 3U);
  EXPECT_EQ(grid.held.values, (std::vector<float>{1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(decodeGrid(viewOf(6, {{0}}, 0, {}), LayerIndex(0), {HeadChoice::QueryHead, 0}, 8).positions, 0U);
}

TEST(DecodeGrid, IgnoresInvalidPositions) {
  const RunView view = viewOf(4, {{0, 900}}, 1, {{0, 0, 0, 77}});
  const DecodeGrid grid = decodeGrid(view, LayerIndex(0), {HeadChoice::QueryHead, 0}, 50);
  EXPECT_EQ(grid.held.values, (std::vector<float>{1, 0, 0, 0, 1}));
}

TEST_F(DecodeGridTest, EveryStepOfARecordedRunHoldsTheBudgetAndTheGeneratedTokens) {
  test::SampleTraceOptions options;
  ASSERT_TRUE(openSample(options));
  const RunPointer run = runOf(2);
  const DecodeGrid grid = decodeGrid(*run, LayerIndex(1), {HeadChoice::QueryHead, 0}, 10000);
  ASSERT_EQ(grid.held.rows, options.new_tokens);
  std::size_t evicted = 0;
  for (std::size_t step = 0; step < grid.held.rows; ++step) {
    for (const trace::Eviction& each : run->run.record.evicted)
      evicted += each.step == step && each.layer == 1 && each.head == 0 ? 1 : 0;
    std::size_t held = 0;
    for (std::size_t position = 0; position < grid.held.columns; ++position)
      held += grid.held.at(step, position) > 0 ? 1 : 0;
    EXPECT_EQ(held, run->kept(LayerIndex(1), 0).size() + step + 1 - evicted) << step;
  }
}

trace::AttendedLayer twoHeads() {
  constexpr TokenIndex x = trace::kNoToken;
  return {
      .query_heads = 2, .per_head = 3, .positions = {5, 1, x, 1, 7, 9}, .mass = {0.5F, 0.25F, 0, 0.5F, 0.25F, 0.125F}};
}

trace::ModelInfo modelOf(std::uint32_t query_heads, std::uint32_t kv_heads) {
  trace::ModelInfo model;
  model.layers = 1;
  model.query_heads = query_heads;
  model.kv_heads = kv_heads;
  return model;
}

TEST(AttendedKeys, OneHeadIsUnchangedWithoutEmptyEntries) {
  const auto keys = attendedKeys(twoHeads(), 0, {HeadChoice::QueryHead, 0}, modelOf(2, 1));
  EXPECT_EQ(keys, (std::vector<AttendedKey>{{5, 0.5}, {1, 0.25}}));
}

TEST(AttendedKeys, HeadsGiveTheirMeanOrMaximum) {
  const auto mean = attendedKeys(twoHeads(), 0, {HeadChoice::MeanOverHeads, 0}, modelOf(2, 1));
  EXPECT_EQ(mean, (std::vector<AttendedKey>{{1, 0.375}, {5, 0.25}, {7, 0.125}})) << "K of them";
  const auto most = attendedKeys(twoHeads(), 0, {HeadChoice::MaxOverGroup, 0}, modelOf(2, 1));
  EXPECT_EQ(most, (std::vector<AttendedKey>{{1, 0.5}, {5, 0.5}, {7, 0.25}})) << "ties to the lowest position";
}

TEST(AttendedKeys, IgnoresInvalidStepsAndHeads) {
  EXPECT_TRUE(attendedKeys(twoHeads(), 1, {HeadChoice::QueryHead, 0}, modelOf(2, 1)).empty());
  EXPECT_TRUE(attendedKeys(twoHeads(), 0, {HeadChoice::QueryHead, 2}, modelOf(3, 1)).empty());
}

TEST_F(DecodeGridTest, AttendedKeysAreReadOnDemandAndTokensHaveTheirText) {
  ASSERT_TRUE(openSample());
  m_selection.setFocusRun(1);
  for (const RunId run : m_document.runIds()) (void)m_document.run(run);
  ASSERT_TRUE(settle());
  DecodeAttended attended(m_document, m_selection);
  EXPECT_EQ(m_thread.pending(), 0U) << "nothing is read before the first request";
  EXPECT_EQ(attended.layer(), nullptr);
  EXPECT_EQ(attended.why().toStdString(), "Loading…");
  ASSERT_TRUE(settle());
  ASSERT_NE(attended.layer(), nullptr);
  EXPECT_EQ(attended.why(), QString());
  EXPECT_EQ(attended.layer()->steps(), 6U);
  m_selection.setLayer(LayerIndex(2));
  EXPECT_EQ(attended.layer(), nullptr) << "never the keys of another layer";
  ASSERT_TRUE(settle());
  EXPECT_NE(attended.layer(), nullptr);

  const SequenceToken needle = attended.token(m_document.prompt().spans[0].begin);
  EXPECT_EQ(needle.spans, "needle");
  EXPECT_FALSE(needle.generated);
  const trace::RunRecord& record = m_document.run(1)->run.record;
  const SequenceToken second = attended.token(257);
  EXPECT_TRUE(second.generated);
  EXPECT_EQ("·" + record.decode_text.substr(record.decode_offsets[1] + 1,
                                            record.decode_offsets[2] - record.decode_offsets[1] - 1),
            second.text);
  EXPECT_TRUE(attended.token(10'000).text.empty());
  m_selection.setFocusRun(kNoRun);
  EXPECT_EQ(attended.layer(), nullptr);
  EXPECT_EQ(attended.why().toStdString(), "Choose a run in the list of runs.");
}

}  // namespace
}  // namespace kvatlas::views
