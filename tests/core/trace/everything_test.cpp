// Runs that evict nothing: one list in memory, all lists in the file.
#include <algorithm>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;

// 60 layers × 8 heads × 301 tokens: three chunks of kept/positions, which end inside lists.
SampleTrace longSample() {
  SampleTraceOptions options = tinyOptions();
  options.tokens = 301;
  options.layers = 60;
  options.query_heads = 8;
  options.kv_heads = 8;
  options.map_size = 16;
  options.new_tokens = 1;
  options.attended = 1;
  options.keep_qk = false;
  return makeSampleTrace(options);
}

// The same run with one list for all.
trace::RunRecord shortened(trace::RunRecord record, std::size_t tokens) {
  record.everything = true;
  record.kept_positions = everyPosition(tokens);
  return record;
}

using Everything = TraceTest;

TEST_F(Everything, IsWrittenAsAllItsLists) {
  SampleTrace sample = longSample();
  ASSERT_EQ(sample.runs[0].kept_positions.size(), 60U * 8 * 301);
  writeSampleTrace(file("lists.kva.h5"), sample);
  sample.runs[0] = shortened(std::move(sample.runs[0]), 301);
  writeSampleTrace(file("one.kva.h5"), sample);
  EXPECT_TRUE(bytesOf(file("one.kva.h5")) == bytesOf(file("lists.kva.h5")));
}

TEST_F(Everything, IsReadAsOneList) {
  const SampleTrace sample = longSample();
  writeSampleTrace(file(), sample);
  const trace::Reader reader(file());
  const trace::RunRecord full = reader.run(0).value();
  EXPECT_TRUE(full.everything);
  EXPECT_EQ(full.kept_positions, everyPosition(301));
  EXPECT_EQ(full.kept_offsets, sample.runs[0].kept_offsets);
  EXPECT_EQ(full.keptTokens(), 60U * 8 * 301);
  for (const std::size_t row : {0U, 217U, 479U}) EXPECT_TRUE(std::ranges::equal(full.kept(row), everyPosition(301)));
  EXPECT_TRUE(full.kept(480).empty());
  for (std::size_t run = 1; run < sample.runs.size(); ++run) EXPECT_FALSE(reader.run(run)->everything) << run;
  EXPECT_TRUE(reader.run(0, trace::RunParts::WithoutPositions)->kept(0).empty());
}

TEST_F(Everything, IsNotTakenOnTrust) {
  SampleTrace sample = longSample();
  for (const std::size_t at : {std::size_t{0}, std::size_t{60 * 8 * 301 - 1}}) {
    SampleTrace damaged = sample;
    damaged.runs[0].kept_positions[at] = 77;
    writeSampleTrace(file(), damaged);
    const trace::RunRecord full = trace::Reader(file()).run(0).value();
    EXPECT_FALSE(full.everything) << at;
    EXPECT_EQ(full.kept_positions, damaged.runs[0].kept_positions) << at;
  }
}

TEST_F(Everything, HasToBeTrueToBeWritten) {
  SampleTrace sample = makeSampleTrace(tinyOptions());
  sample.runs[1].everything = true;
  EXPECT_THAT(messageOf([&] { writeSampleTrace(file(), sample); }), HasSubstr("/runs/001/kept: is marked"));
  sample.runs[1].everything = false;
  sample.runs[0].everything = true;
  sample.runs[0].kept_positions = {1, 2, 3};
  EXPECT_THAT(messageOf([&] { writeSampleTrace(file(), sample); }), HasSubstr("/runs/000/kept: is marked"));
}

}  // namespace
}  // namespace kvatlas::test
