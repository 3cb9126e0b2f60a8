// Tiles of real traces: the cache's tiles against the reader's maps and the stored queries and keys.
#include "views/models/map/tile_cache.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/analysis/exact_tile.h"
#include "kernels/log2_codec.h"
#include "tests/views/qt_core.h"

namespace kvatlas {
namespace {

using namespace views;
using trace::Reduction;

class TileCacheTest : public test::QtCoreTest {
 protected:
  void open(const test::SampleTraceOptions& options) {
    path = sample("sample.kva.h5", options);
    document.open(path);
    ASSERT_TRUE(waitUntil([&] { return document.isOpen(); }));
  }
  TilePointer fetch(const TileKey& key) {
    viewer.request({key});
    if (!waitUntil([&] { return cache.find(key) != nullptr; })) return nullptr;
    return cache.find(key);
  }
  // Without queries and keys: cells of 4, 8 and 16 tokens over 1000 tokens.
  static test::SampleTraceOptions small() {
    return {.tokens = 1000, .layers = 2, .query_heads = 4, .kv_heads = 2, .map_size = 256, .keep_qk = false};
  }

  std::filesystem::path path;
  ReadingThread thread;
  Document document{thread};
  TileCache cache{document};
  TileSubscription viewer = cache.subscribe();
};

TEST_F(TileCacheTest, OneHeadIsTheStoredMap) {
  open(small());
  const TilePyramid pyramid = cache.pyramid(LayerIndex(1));
  EXPECT_EQ(pyramid.tokens, 1000U);
  EXPECT_EQ(pyramid.cells, (std::vector<std::uint64_t>{4, 8, 16}));
  EXPECT_EQ(pyramid.exact_levels, 0U);
  const trace::Reader reader(path);
  for (const std::uint32_t level : {0U, 1U, 2U}) {
    const TilePointer tile = fetch({LayerIndex(1), {HeadChoice::QueryHead, 2}, Reduction::Max, level, 0, 0});
    ASSERT_TRUE(tile);
    ASSERT_EQ(tile->rows, pyramid.side(level));
    EXPECT_EQ(tile->codes,
              *reader.mapTile(LayerIndex(1), HeadIndex(2), Reduction::Max, level, 0, 0, tile->rows, tile->columns));
  }
}

// Whoever hears first that another trace is open finds no tile of the one before: its levels may be others.
TEST_F(TileCacheTest, NoTileOutlivesItsTrace) {
  const TileKey key{LayerIndex(0), {HeadChoice::QueryHead, 0}, Reduction::Max, 0, 0, 0};
  std::unique_ptr<TileCache> late;
  QObject first;
  bool found = false;
  QObject::connect(&document, &Document::opened, &first, [&] { found = late && late->find(key) != nullptr; });
  late = std::make_unique<TileCache>(document);
  TileSubscription late_viewer = late->subscribe();
  open(small());
  late_viewer.request({key});
  ASSERT_TRUE(waitUntil([&] { return late->find(key) != nullptr; }));
  const auto other = sample("other.kva.h5", {.tokens = 1000, .layers = 1, .map_size = 128, .keep_qk = false});
  document.open(other);
  ASSERT_TRUE(waitUntil([&] { return document.path() == other; }));
  EXPECT_FALSE(found);
}

TEST_F(TileCacheTest, AggregatesHeadsByMeanAndMaximum) {
  open(small());
  const trace::Reader reader(path);
  std::vector<std::vector<float>> heads;
  for (std::size_t head = 0; head < 4; ++head)
    heads.push_back(*reader.map(LayerIndex(0), HeadIndex(head), Reduction::Mean, 0));
  const auto expectJoined = [&](HeadChoice choice, std::size_t first, std::size_t count) {
    const TilePointer tile = fetch({LayerIndex(0), choice, Reduction::Mean, 0, 0, 0});
    ASSERT_TRUE(tile);
    for (std::size_t i = 0; i < tile->codes.size(); i += 7) {
      double sum = 0, most = 0;
      for (std::size_t head = first; head < first + count; ++head) {
        sum += static_cast<double>(heads[head][i]);
        most = std::max(most, static_cast<double>(heads[head][i]));
      }
      const double expected = choice.max() ? most : sum / static_cast<double>(count);
      EXPECT_NEAR(kernels::decodeLog2(tile->codes[i]), expected, expected * 4e-4 + 1e-9) << i;
    }
  };
  expectJoined({HeadChoice::MeanOverHeads, 0}, 0, 4);
  expectJoined({HeadChoice::MaxOverHeads, 0}, 0, 4);
  expectJoined({HeadChoice::MeanOverGroup, 1}, 2, 2);
  expectJoined({HeadChoice::MaxOverGroup, 0}, 0, 2);
}

// With 1003 tokens the last cells are partial at every level; the recorded level is the oracle for the exact ones.
TEST_F(TileCacheTest, ExactLevelsContinueTheStoredOnes) {
  test::SampleTraceOptions options = small();
  options.tokens = 1003;
  options.keep_qk = true;
  options.map_size = 64;  // cells of 16 tokens and up are stored
  open(options);
  const TilePyramid pyramid = cache.pyramid(LayerIndex(0));
  ASSERT_EQ(pyramid.cells.front(), 1U);
  ASSERT_EQ(pyramid.exact_levels, 4U);
  for (const Reduction reduction : {Reduction::Max, Reduction::Mean}) {
    const TileKey stored{LayerIndex(0), {HeadChoice::QueryHead, 1}, reduction, 4, 0, 0};
    const TilePointer coarse = fetch(stored);
    ASSERT_TRUE(coarse);
    ASSERT_EQ(coarse->rows, 63U);
    TileKey finer = stored;
    finer.level = 3;
    const TilePointer fine = fetch(finer);
    ASSERT_TRUE(fine);
    ASSERT_EQ(fine->rows, 126U);
    for (std::uint32_t row = 0; row < coarse->rows; ++row) {
      for (std::uint32_t column = 0; column < row; ++column) {
        const auto at = [&](std::uint32_t r, std::uint32_t c) {
          return kernels::decodeLog2(
              fine->codes[std::min(r, fine->rows - 1) * fine->columns + std::min(c, fine->columns - 1)]);
        };
        const double own = kernels::decodeLog2(coarse->codes[row * coarse->columns + column]);
        const double most = std::max(std::max(at(2 * row, 2 * column), at(2 * row, 2 * column + 1)),
                                     std::max(at(2 * row + 1, 2 * column), at(2 * row + 1, 2 * column + 1)));
        // Queries and keys are stored in bf16: a few percent.
        if (reduction == Reduction::Max) {
          EXPECT_NEAR(own, most, 0.08 * own + 1e-7) << row << " " << column;
        } else {
          EXPECT_LE(own, most * 1.08 + 1e-7) << row << " " << column;
        }
      }
    }
  }
}

TEST_F(TileCacheTest, SingleTokensAreTheExactAttention) {
  test::SampleTraceOptions options = small();
  options.keep_qk = true;
  open(options);
  const TilePointer tile = fetch({LayerIndex(1), {HeadChoice::QueryHead, 3}, Reduction::Max, 0, 3, 2});
  ASSERT_TRUE(tile);
  EXPECT_EQ(tile->rows, 1000U - 768U);
  EXPECT_EQ(tile->columns, 256U);
  const trace::Reader reader(path);
  const analysis::ExactTile exact = analysis::exactTile(reader, {LayerIndex(1), HeadIndex(3), {768, 1000}, {512, 768}});
  for (std::size_t i = 0; i < exact.cells.size(); i += 13)
    EXPECT_NEAR(kernels::decodeLog2(tile->codes[i]), exact.cells[i], 3e-4 * static_cast<double>(exact.cells[i]) + 1e-9);
}

TEST_F(TileCacheTest, KeepsTheLatestTilesWithinItsLimit) {
  open(small());
  const auto keysOf = [](std::uint32_t layer) {
    std::vector<TileKey> keys;
    for (std::uint32_t head = 0; head < 4; ++head)
      keys.push_back({LayerIndex(layer), {HeadChoice::QueryHead, head}, Reduction::Max, 0, 0, 0});
    return keys;
  };
  const std::vector<TileKey> first = keysOf(0), second = keysOf(1);
  const std::size_t one = fetch(first[0])->bytes();
  TileCache little(document, 5 * one);
  TileSubscription reader = little.subscribe();
  const auto loaded = [&](const std::vector<TileKey>& keys) {
    reader.request(keys);
    return waitUntil(
        [&] { return std::ranges::all_of(keys, [&](const TileKey& key) { return little.find(key) != nullptr; }); });
  };
  ASSERT_TRUE(loaded(first));
  EXPECT_EQ(little.bytes(), 4 * one);
  ASSERT_NE(little.find(first[2]), nullptr);  // the most recently used of the first
  ASSERT_TRUE(loaded(second));
  EXPECT_EQ(little.bytes(), 5 * one);
  for (const std::size_t head : {0U, 1U, 3U}) EXPECT_EQ(little.find(first[head]), nullptr) << head;
  EXPECT_NE(little.find(first[2]), nullptr);
}

TEST_F(TileCacheTest, ReadsOnlyCurrentRequests) {
  open(small());
  std::vector<TileKey> old, now;
  for (std::uint32_t head = 0; head < 4; ++head) {
    for (const std::uint32_t level : {0U, 1U, 2U})
      old.push_back({LayerIndex(0), {HeadChoice::QueryHead, head}, Reduction::Max, level, 0, 0});
    now.push_back({LayerIndex(1), {HeadChoice::QueryHead, head}, Reduction::Max, 0, 0, 0});
  }
  viewer.request(old);
  viewer.request(now);
  std::vector<TileKey> arrived;
  QObject::connect(&cache, &TileSource::arrived, [&](const TileKey& key) { arrived.push_back(key); });
  ASSERT_TRUE(waitUntil([&] { return cache.find(now.back()) != nullptr && cache.inFlight() == 0; }));
  // Three reads were in flight when the request changed; the other nine never run.
  EXPECT_EQ(arrived.size(), 7U);
}

TEST_F(TileCacheTest, TheLatestViewerIsServedFirst) {
  open(small());
  TileSubscription one = cache.subscribe(), two = cache.subscribe();
  const auto keys = [](std::uint32_t layer) {
    std::vector<TileKey> result;
    for (std::uint32_t head = 0; head < 4; ++head)
      for (const std::uint32_t level : {0U, 1U, 2U})
        result.push_back({LayerIndex(layer), {HeadChoice::QueryHead, head}, Reduction::Max, level, 0, 0});
    return result;
  };
  std::vector<std::uint32_t> layers;
  QObject::connect(&cache, &TileSource::arrived, [&](const TileKey& key) { layers.push_back(key.layer.value); });
  one.request(keys(0));
  two.request(keys(1));
  ASSERT_TRUE(waitUntil([&] { return layers.size() == 24; }));
  // Except for three in flight, the first viewer's tiles come after the second's. At the switch, the newest of three
  // queued reads comes first.
  EXPECT_GE(std::count(layers.begin(), layers.begin() + 15, 1U), 10);
  EXPECT_GE(std::count(layers.begin() + 3, layers.begin() + 12, 1U), 8);
}

// Destroying a viewer cancels its requests.
TEST_F(TileCacheTest, TheRequestsOfAViewerEndWithItsSubscription) {
  open(small());
  std::vector<TileKey> keys;
  for (std::uint32_t head = 0; head < 4; ++head)
    for (const std::uint32_t level : {0U, 1U, 2U})
      keys.push_back({LayerIndex(0), {HeadChoice::QueryHead, head}, Reduction::Max, level, 0, 0});
  std::size_t arrived = 0;
  QObject::connect(&cache, &TileSource::arrived, [&] { ++arrived; });
  {
    TileSubscription gone = cache.subscribe();
    gone.request(keys);
    const TileSubscription moved = std::move(gone);
  }
  const TileKey other{LayerIndex(1), {HeadChoice::QueryHead, 0}, Reduction::Max, 0, 0, 0};
  ASSERT_TRUE(fetch(other));
  ASSERT_TRUE(waitUntil([&] { return cache.inFlight() == 0; }));
  EXPECT_EQ(arrived, 4U) << "three reads were in flight when the viewer was destroyed";
}

TEST_F(TileCacheTest, ASubscriptionOutlivesItsSource) {
  auto source = std::make_unique<TileCache>(document);
  TileSubscription subscription = source->subscribe();
  EXPECT_EQ(subscription.source(), source.get());
  source.reset();
  EXPECT_EQ(subscription.source(), nullptr);
  subscription.request({TileKey{}});
}

TEST_F(TileCacheTest, MissingTilesAreNotCaptured) {
  open(small());
  EXPECT_TRUE(cache.pyramid(LayerIndex(77)).cells.empty());
  const TilePointer tile = fetch({LayerIndex(77), {}, Reduction::Max, 0, 0, 0});
  ASSERT_TRUE(tile);
  EXPECT_EQ(tile->state, Tile::State::NotCaptured);
}

TEST_F(TileCacheTest, AnotherTraceClearsTheCache) {
  open(small());
  const TileKey key{LayerIndex(0), {HeadChoice::QueryHead, 0}, Reduction::Max, 0, 0, 0};
  const TilePointer before = fetch(key);
  ASSERT_TRUE(before);
  bool changed = false;
  QObject::connect(&cache, &TileSource::changed, [&] { changed = true; });
  test::SampleTraceOptions options = small();
  options.seed = 99;
  document.open(sample("other.kva.h5", options));
  ASSERT_TRUE(waitUntil([&] { return changed; }));
  EXPECT_EQ(cache.bytes(), 0U);
  const TilePointer after = fetch(key);
  ASSERT_TRUE(after);
  EXPECT_NE(before->codes, after->codes);
}

// A growing file only adds layers: the map keeps its tiles and does not turn grey while the file is read again.
TEST_F(TileCacheTest, AGrownFileKeepsTheTilesThatWereRead) {
  open(small());
  const TileKey key{LayerIndex(0), {HeadChoice::QueryHead, 0}, Reduction::Max, 0, 0, 0};
  const TileKey missing{LayerIndex(77), {}, Reduction::Max, 0, 0, 0};
  const TilePointer before = fetch(key);
  ASSERT_TRUE(before);
  ASSERT_TRUE(fetch(missing));
  emit document.refreshed();
  EXPECT_EQ(cache.find(key), before);
  EXPECT_EQ(cache.find(missing), nullptr) << "it may have been recorded meanwhile";
}

}  // namespace
}  // namespace kvatlas
