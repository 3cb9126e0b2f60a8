// The cost of reading, in bytes requested from the system: opening reads the index, a tile reads its chunk.
#include <functional>
#include <sstream>

#include "core/synthetic/synthetic_trace.h"
#include "core/trace/reader.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using trace::Reader;
using trace::Reduction;
using trace::Signal;

constexpr std::uint64_t kChunk = std::uint64_t{128} * 128 * 2;
constexpr std::uint64_t kSlack = 2048;  // querying the count also reads

// Bytes that read calls have returned to this process; 0 if the system does not report it.
std::uint64_t bytesRead() {
  std::ifstream in("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  in >> name >> value;
  return name == "rchar:" ? value : 0;
}

std::uint64_t costOf(const std::function<void()>& body) {
  const std::uint64_t before = bytesRead();
  body();
  return bytesRead() - before;
}

class ReadingCost : public TraceTest {
 protected:
  void SetUp() override {
    if (bytesRead() == 0) GTEST_SKIP() << "this system does not count bytes read per process";
    synthetic::writeSyntheticTrace(
        file(), {.tokens = 4096, .layers = 6, .query_heads = 8, .kv_heads = 2, .head_dim = 32, .qk_layers = {0}});
  }
};

TEST_F(ReadingCost, OpeningReadsTheIndexAndThePromptAlone) {
  const std::uint64_t size = std::filesystem::file_size(file());
  ASSERT_GT(size, 20'000'000U);
  const std::uint64_t cost = costOf([&] { const Reader reader(file()); });
  EXPECT_LT(cost, size / 50) << "of " << size;
}

TEST_F(ReadingCost, ATileOfOneChunkReadsOneChunk) {
  const Reader reader(file());
  const auto tile = [&](std::uint32_t head, std::size_t row, std::size_t column) {
    return costOf([&] {
      ASSERT_TRUE(reader.mapTile(LayerIndex(2), HeadIndex(head), Reduction::Max, 0, row, column, 128, 128).has_value());
    });
  };
  static_cast<void>(tile(0, 0, 0));  // the first call reads the chunk index of this map
  EXPECT_LE(tile(3, 256, 128), kChunk + kSlack);
  EXPECT_LE(tile(7, 384, 384), kChunk + kSlack);
  EXPECT_LE(tile(5, 384, 0), kChunk + kSlack);
  // A half-chunk offset on two axes: four chunks.
  EXPECT_LE(tile(6, 192, 64), 4 * kChunk + kSlack);
}

TEST_F(ReadingCost, PartsOfSignalsAndQueriesReadTheirChunks) {
  const Reader reader(file());
  const LayerIndex layer(0);
  static_cast<void>(reader.signalOfHead(layer, Signal::Received, HeadIndex(0)));
  static_cast<void>(reader.queryBits(layer, HeadIndex(0), 0, 1));
  EXPECT_LE(costOf([&] { static_cast<void>(reader.signalOfHead(layer, Signal::Received, HeadIndex(5))); }),
            4096 * 4 + kSlack);
  EXPECT_LE(costOf([&] { static_cast<void>(reader.queryBits(layer, HeadIndex(5), 600, 300)); }), 512 * 32 * 2 + kSlack);
}

TEST_F(ReadingCost, QueryingAvailabilityReadsNoData) {
  const Reader reader(file());
  EXPECT_LT(costOf([&] {
              for (std::uint32_t layer = 0; layer < 6; ++layer) {
                EXPECT_TRUE(reader.holds(LayerIndex(layer), "map/max/0"));
                EXPECT_TRUE(reader.holds(LayerIndex(layer), "window_rows"));
                EXPECT_EQ(reader.holds(LayerIndex(layer), "query"), layer == 0);
              }
            }),
            300'000U);
}

}  // namespace
}  // namespace kvatlas::test
