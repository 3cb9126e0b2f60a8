// What a strip says of each token, against hand-made lists.
#include "views/models/map/kept_strip.h"

#include <gmock/gmock.h>

namespace kvatlas::views {
namespace {

using policy::Reason;
using ::testing::ElementsAre;

constexpr HeadChoice kSecondHead{HeadChoice::QueryHead, 1}, kAllHeads{HeadChoice::MeanOverHeads, 0};

// Two layers of two heads over 6 tokens; layer 1 keeps {0, 2, 5} and {2, 3}.
RunView twoLayers() {
  RunView view;
  view.model.layers = 2;
  view.model.query_heads = view.model.kv_heads = view.run.header.heads = 2;
  view.tokens = 6;
  view.run.title = "SnapKV";
  view.run.header.method = "snapkv";
  view.run.header.budget = "3";
  view.run.record.kept_positions = {1, 4, 0, 2, 5, 2, 3};
  view.run.record.kept_offsets = {0, 1, 2, 5, 7};
  return view;
}

TEST(KeptStrip, SaysOfEachTokenHowManyHeadsKeepItAndWhy) {
  const RunView view = twoLayers();
  const KeptStrip all = keptStripOf(view, LayerIndex(1), kAllHeads, Theme::Light);
  EXPECT_THAT(all.share, ElementsAre(0.5F, 0, 1, 0.5F, 0, 0.5F));
  EXPECT_THAT(all.reasons, ElementsAre(Reason::Score, Reason::Evicted, Reason::Score, Reason::Score, Reason::Evicted,
                                       Reason::Score));
  EXPECT_EQ(all.title, "SnapKV 3");
  const KeptStrip one = keptStripOf(view, LayerIndex(1), kSecondHead, Theme::Light);
  EXPECT_THAT(one.share, ElementsAre(0, 0, 1, 1, 0, 0));
  EXPECT_THAT(keptStripOf(view, LayerIndex(0), kSecondHead, Theme::Light).share, ElementsAre(0, 0, 0, 0, 1, 0));
}

TEST(KeptStrip, ColumnsAreKeptWhereAnyHeadKeepsThem) {
  const auto columns = keptColumnsOf(twoLayers(), LayerIndex(1), kAllHeads);
  ASSERT_NE(columns, nullptr);
  std::vector<std::uint32_t> kept;
  for (std::uint64_t token = 0; token < 6; ++token) kept.push_back(columns->count(token, token + 1));
  EXPECT_THAT(kept, ElementsAre(1, 0, 1, 1, 0, 1));
  EXPECT_EQ(columns->count(0, 6), 4U);
}

TEST(KeptStrip, OfAFullCacheIsWhole) {
  RunView view = twoLayers();
  view.run.record.everything = true;
  view.run.record.kept_positions.clear();
  const KeptStrip strip = keptStripOf(view, LayerIndex(0), kAllHeads, Theme::Dark);
  EXPECT_THAT(strip.share, ::testing::Each(1.0F));
  EXPECT_THAT(strip.reasons, ::testing::Each(Reason::Everything));
  EXPECT_EQ(keptColumnsOf(view, LayerIndex(0), kAllHeads), nullptr);
}

}  // namespace
}  // namespace kvatlas::views
