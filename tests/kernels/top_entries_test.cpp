#include "kernels/top_entries.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/kernels/naive_top.h"

namespace kvatlas::kernels {
namespace {

TEST(TopEntries, areThoseOfAStableSort) {
  for (const std::size_t length : {0, 1, 2, 7, 8, 9, 31, 40, 41, 200, 5000})
    for (const unsigned different : {0U, 1U, 2U, 37U, 100000U})
      for (const std::size_t k : {1, 8, 32}) {
        const std::vector<float> row = rowWithTies(length, different);
        std::vector<TopEntry> entries(k, {9, 9});
        topEntries(row, entries);
        EXPECT_EQ(entries, naiveTop(row, k)) << length << " of " << different;
      }
}

TEST(TopEntries, aRowThatIsNotFiniteHasNone) {
  for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    for (const std::size_t at : {0, 5, 40, 99}) {
      std::vector<float> row = rowWithTies(100, 37);
      row[at] = value;
      std::vector<TopEntry> entries(8, {9, 9});
      topEntries(row, entries);
      EXPECT_EQ(entries, std::vector<TopEntry>(8)) << at;
    }
}

}  // namespace
}  // namespace kvatlas::kernels
