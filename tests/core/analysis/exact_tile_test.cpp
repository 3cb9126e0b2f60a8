// Tiles of a trace against its attention computed naively in double precision (SampleAttention), whose queries and
// keys are bf16 values, so that stored values are exact.
#include "core/analysis/exact_tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "tests/core/trace/trace_fixture.h"
#include "tests/support/sample_attention.h"

namespace kvatlas::analysis {
namespace {

using kernels::isMasked;
using kernels::TileValue;
using kernels::TokenRange;
using test::SampleAttention;
using test::SampleTraceOptions;

class ExactTileTest : public test::TraceTest {
 protected:
  explicit ExactTileTest(std::uint64_t sliding_window = 0) {
    options.tokens = 700;
    options.layers = 2;
    options.query_heads = 4;
    options.kv_heads = 2;
    options.head_dim = 16;
    options.vocab = 1400;
    options.sliding_window = sliding_window;
  }

  trace::Reader open() {
    test::writeSampleTrace(file(), options);
    return trace::Reader(file());
  }

  [[nodiscard]] TileRequest request(TokenRange queries, TokenRange keys,
                                    TileValue value = TileValue::kProbability) const {
    return {LayerIndex(std::size_t{1}), HeadIndex(std::size_t{3}), queries, keys, value};
  }

  // The cell's value in double precision; NaN where masked.
  [[nodiscard]] std::vector<std::vector<double>> matrix(TokenRange queries, TileValue value) const {
    const SampleAttention attention(options, 1);
    std::vector<std::vector<double>> rows;
    for (std::size_t i = queries.begin; i < queries.end; ++i) {
      double lse = 0;
      std::vector<double> row = attention.row(3, static_cast<std::uint32_t>(i), &lse);
      for (double& p : row)
        p = value == TileValue::kProbability ? p : std::log(p) + (value == TileValue::kLogit ? lse : 0);
      for (std::size_t j = 0; options.sliding_window > 0 && j + options.sliding_window <= i; ++j) row[j] = NAN;
      row.resize(options.tokens, NAN);
      rows.push_back(std::move(row));
    }
    return rows;
  }

  void expectExact(const trace::Reader& reader, TokenRange queries, TokenRange keys) const {
    for (const TileValue value : {TileValue::kProbability, TileValue::kLogit, TileValue::kLogProbability}) {
      const ExactTile tile = exactTile(reader, request(queries, keys, value));
      ASSERT_EQ(tile.rows, queries.end - queries.begin);
      ASSERT_EQ(tile.columns, keys.end - keys.begin);
      const auto rows = matrix(queries, value);
      for (std::size_t r = 0; r < tile.rows; ++r) {
        for (std::size_t c = 0; c < tile.columns; ++c) {
          const double wanted = rows[r][keys.begin + c];
          const float got = tile.cells[r * tile.columns + c];
          ASSERT_EQ(isMasked(got), std::isnan(wanted)) << r << ' ' << c;
          const double size = value == TileValue::kProbability ? wanted : std::max(1.0, std::abs(wanted));
          if (!isMasked(got)) {
            ASSERT_NEAR(static_cast<double>(got), wanted, 5e-6 * size) << r << ' ' << c;
          }
        }
      }
    }
  }

  void expectPooled(const trace::Reader& reader, TokenRange queries, TokenRange keys, GridSize most) const {
    const auto rows = matrix(queries, TileValue::kProbability);
    for (const trace::Reduction reduction : {trace::Reduction::Mean, trace::Reduction::Max}) {
      const ExactTile tile = pooledTile(reader, request(queries, keys), most, reduction, 2);
      const std::size_t nq = queries.end - queries.begin, nk = keys.end - keys.begin;
      ASSERT_EQ(tile.rows, std::min(most.rows, nq));
      ASSERT_EQ(tile.columns, std::min(most.columns, nk));
      for (std::size_t r = 0; r < tile.rows; ++r) {
        for (std::size_t c = 0; c < tile.columns; ++c) {
          double sum = 0, max = 0, pairs = 0;
          for (std::size_t i = r * nq / tile.rows; i < (r + 1) * nq / tile.rows; ++i) {
            for (std::size_t j = c * nk / tile.columns; j < (c + 1) * nk / tile.columns; ++j) {
              const double p = rows[i][keys.begin + j];
              if (std::isnan(p)) continue;
              sum += p;
              max = std::max(max, p);
              ++pairs;
            }
          }
          const float got = tile.cells[r * tile.columns + c];
          ASSERT_EQ(isMasked(got), pairs == 0) << r << ' ' << c;
          const double wanted = reduction == trace::Reduction::Max ? max : sum / pairs;
          if (pairs > 0) {
            ASSERT_NEAR(static_cast<double>(got), wanted, 5e-6 * wanted) << r << ' ' << c;
          }
        }
      }
    }
  }

  SampleTraceOptions options;
};

class BandedTileTest : public ExactTileTest {
 protected:
  BandedTileTest() : ExactTileTest(150) {}
};

TEST_F(ExactTileTest, AnyRangeEqualsTheAttention) {
  const trace::Reader reader = open();
  for (const auto& [queries, keys] : std::vector<std::pair<TokenRange, TokenRange>>{{{0, 700}, {0, 700}},
                                                                                    {{699, 700}, {0, 700}},
                                                                                    {{0, 1}, {0, 1}},
                                                                                    {{123, 345}, {67, 301}},
                                                                                    {{10, 40}, {50, 90}}})
    expectExact(reader, queries, keys);
}

TEST_F(BandedTileTest, AnyRangeEqualsTheAttention) {
  const trace::Reader reader = open();
  expectExact(reader, {0, 700}, {0, 700});
  expectExact(reader, {300, 420}, {100, 401});
}

TEST_F(ExactTileTest, PoolsOverVisiblePairs) {
  const trace::Reader reader = open();
  expectPooled(reader, {0, 700}, {0, 700}, {33, 47});
  expectPooled(reader, {0, 700}, {0, 700}, {1, 1});  // one cell larger than a block
  expectPooled(reader, {650, 660}, {3, 690}, {512, 100});
  expectPooled(reader, {40, 700}, {600, 640}, {7, 512});
  expectPooled(reader, {5, 6}, {0, 700}, {1, 3});
}

TEST_F(BandedTileTest, PoolsOverVisiblePairs) {
  const trace::Reader reader = open();
  expectPooled(reader, {0, 700}, {0, 700}, {30, 60});
  expectPooled(reader, {0, 700}, {0, 700}, {2, 1});
}

TEST_F(ExactTileTest, AGridOfTheRangesSizePoolsNothing) {
  const trace::Reader reader = open();
  const TileRequest all = request({100, 300}, {50, 400});
  const ExactTile plain = exactTile(reader, all);
  const ExactTile pooled = pooledTile(reader, all, {200, 350}, trace::Reduction::Max);
  ASSERT_EQ(pooled.cells.size(), plain.cells.size());
  for (std::size_t i = 0; i < plain.cells.size(); ++i) {
    ASSERT_TRUE(plain.cells[i] == pooled.cells[i] || (isMasked(plain.cells[i]) && isMasked(pooled.cells[i])));
  }
}

TEST_F(ExactTileTest, ThreadsDoNotChangeABit) {
  const trace::Reader reader = open();
  const auto pooled = [&](unsigned threads) {
    std::vector<float> cells =
        pooledTile(reader, request({0, 700}, {0, 700}), {100, 200}, trace::Reduction::Mean, threads).cells;
    std::ranges::replace_if(cells, isMasked, -1.0F);
    return cells;
  };
  EXPECT_EQ(pooled(1), pooled(5));
}

TEST_F(ExactTileTest, PartialRowsEqualTheWholeHeads) {
  const trace::Reader reader = open();
  const LayerIndex layer(std::size_t{1});
  const auto all = reader.queryBits(layer, HeadIndex(std::size_t{2}));
  const auto some = reader.queryBits(layer, HeadIndex(std::size_t{2}), 100, 30);
  ASSERT_TRUE(all && some);
  ASSERT_EQ(some->size(), 30U * 16);
  EXPECT_TRUE(std::equal(some->begin(), some->end(), all->begin() + 100 * 16));
  const auto keys = reader.keyBits(layer, KvHeadIndex(std::size_t{1}));
  const auto last = reader.keyBits(layer, KvHeadIndex(std::size_t{1}), 699, 1);
  ASSERT_TRUE(keys && last);
  EXPECT_TRUE(std::equal(last->begin(), last->end(), keys->end() - 16));
  EXPECT_THROW((void)reader.queryBits(layer, {}, 690, 11), Error);
  EXPECT_THROW((void)reader.keyBits(layer, {}, UINT64_MAX, 2), Error);
}

TEST_F(ExactTileTest, WithoutQueriesAndKeysTheErrorSaysWhatToDo) {
  options.keep_qk = false;
  const trace::Reader reader = open();
  EXPECT_FALSE(hasExactTiles(reader, LayerIndex(std::size_t{1})));
  const std::string message = test::messageOf([&] { (void)exactTile(reader, request({0, 10}, {0, 10})); });
  EXPECT_NE(message.find(file().string()), std::string::npos) << message;
  EXPECT_NE(message.find("layer 1"), std::string::npos) << message;
  EXPECT_NE(message.find("--keep-qk"), std::string::npos) << message;
}

TEST_F(ExactTileTest, RefusesMissingData) {
  const trace::Reader reader = open();
  EXPECT_TRUE(hasExactTiles(reader, LayerIndex(std::size_t{1})));
  EXPECT_THROW((void)exactTile(reader, request({0, 701}, {0, 10})), UsageError);
  EXPECT_THROW((void)exactTile(reader, request({0, 10}, {10, 10})), UsageError);
  TileRequest wrong = request({0, 10}, {0, 10});
  wrong.head = HeadIndex(std::size_t{4});
  EXPECT_THROW((void)exactTile(reader, wrong), UsageError);
  wrong = request({0, 10}, {0, 10});
  wrong.layer = LayerIndex(std::size_t{2});
  const std::string message = test::messageOf([&] { (void)exactTile(reader, wrong); });
  EXPECT_NE(message.find("layer 2 was not recorded"), std::string::npos) << message;
  EXPECT_THROW((void)pooledTile(reader, request({0, 10}, {0, 10}), {0, 5}, trace::Reduction::Max), UsageError);
}

TEST_F(ExactTileTest, NotFiniteIsReportedWithLayerAndHead) {
  test::SampleTrace sample = test::makeSampleTrace(options);
  sample.layers[1].key[(1 * 700 + 300) * 16 + 2] = 0x7fc0;
  test::writeSampleTrace(file(), sample);
  const trace::Reader reader(file());
  const std::string message = test::messageOf([&] { (void)exactTile(reader, request({250, 350}, {200, 400})); });
  EXPECT_NE(message.find("layer 1, head 3"), std::string::npos) << message;
  EXPECT_NE(message.find("query 300"), std::string::npos) << message;
}

TEST_F(ExactTileTest, StopsOnRequest) {
  const trace::Reader reader = open();
  std::stop_source stop;
  stop.request_stop();
  WorkContext work;
  work.stop = stop.get_token();
  EXPECT_THROW((void)pooledTile(reader, request({0, 700}, {0, 700}), {9, 9}, trace::Reduction::Max, 1, work),
               Cancelled);
}

}  // namespace
}  // namespace kvatlas::analysis
