#include "kernels/cache_gather.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace kvatlas::kernels {
namespace {

TEST(CacheGather, copiesTheListedRowsInOrder) {
  std::vector<std::uint16_t> source(20 * 3);
  std::iota(source.begin(), source.end(), std::uint16_t{0});
  for (const std::vector<std::uint32_t>& rows :
       {std::vector<std::uint32_t>{}, {0}, {19}, {0, 1, 2, 3}, {4, 5, 9, 10, 11, 19}, {7, 7, 3, 2, 3}}) {
    std::vector<std::uint16_t> target(rows.size() * 3 + 1, 9999);
    gatherRows(source.data(), rows, 3 * sizeof(std::uint16_t), target.data());
    for (std::size_t i = 0; i < rows.size() * 3; ++i) {
      EXPECT_EQ(target[i], rows[i / 3] * 3 + i % 3);
    }
    EXPECT_EQ(target.back(), 9999);
  }
}

}  // namespace
}  // namespace kvatlas::kernels
