// How a trace is stored: reproducible bytes, nothing above the diagonal, the estimated size.
#include <hdf5.h>

#include "core/trace/map_pyramid.h"
#include "core/trace/writer.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using Storage = TraceTest;

std::uint64_t storedBytes(const std::filesystem::path& path, const char* dataset) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t id = H5Dopen2(file, dataset, H5P_DEFAULT);
  const std::uint64_t bytes = H5Dget_storage_size(id);
  H5Dclose(id);
  H5Fclose(file);
  return bytes;
}

TEST(MapPyramid, CellsAreTheSmallestPowersOfTwoThatFit) {
  EXPECT_EQ(trace::mapCells(150, 64), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(trace::mapCells(512, 512), (std::vector<std::uint64_t>{1, 2, 4, 8}));
  EXPECT_EQ(trace::mapCells(513, 512), (std::vector<std::uint64_t>{2, 4, 8, 16}));
  EXPECT_EQ(trace::mapCells(1, 512), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(trace::mapCells(100, 1), (std::vector<std::uint64_t>{128}));
  EXPECT_TRUE(trace::mapCells(100, 0).empty());
}

TEST_F(Storage, SameInputsGiveTheSameBytes) {
  const SampleTraceOptions options = tinyOptions();
  writeSampleTrace(file("one"), options);
  writeSampleTrace(file("two"), options);
  EXPECT_EQ(bytesOf(file("one")), bytesOf(file("two")));
  SampleTraceOptions other = options;
  other.seed = 2;
  writeSampleTrace(file("three"), other);
  EXPECT_NE(bytesOf(file("one")), bytesOf(file("three")));
}

TEST_F(Storage, ChunksAboveTheDiagonalAreNotAllocated) {
  SampleTraceOptions options = tinyOptions();
  options.tokens = 512;
  options.map_size = 512;
  writeSampleTrace(file(), options);
  // 4 × 4 chunks of 128²: ten of sixteen touch the lower triangle.
  EXPECT_EQ(storedBytes(file(), "/attention/000/map/mean/0"), 2U * 10 * 128 * 128 * 2);
  EXPECT_EQ(storedBytes(file(), "/attention/000/received"), 2U * 512 * 4);
}

TEST_F(Storage, TheEstimateIsCloseAndNotTooSmall) {
  for (const std::uint32_t tokens : {40U, 300U, 601U}) {
    SampleTraceOptions options = tinyOptions();
    options.tokens = tokens;
    options.map_size = 256;
    const SampleTrace sample = makeSampleTrace(options);
    writeSampleTrace(file(), sample);
    const auto actual = std::filesystem::file_size(file()),
               expected = trace::expectedFileBytes(sample.header, options.new_tokens);
    EXPECT_GE(expected, actual);
    EXPECT_LE(expected, actual + actual / 3 + 65'536);
  }
}

}  // namespace
}  // namespace kvatlas::test
