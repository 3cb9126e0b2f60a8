// A run whose steps come in blocks while it decodes gives the same datasets as one that is written at once.
#include "core/base/error.h"
#include "core/trace/writer.h"
#include "tests/core/trace/compare.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using StepBlocks = TraceTest;

SampleTrace longAnswers() {
  SampleTraceOptions options = tinyOptions();
  options.new_tokens = 150;
  options.attended = 3;
  options.keep_qk = false;
  SampleTrace sample = makeSampleTrace(options);
  // The writer stores evictions as they come; validate() has its own tests.
  for (std::uint32_t i = 0; i < 700; ++i) sample.runs[1].evicted.push_back({i / 5, i % 2, 0, i});
  return sample;
}

// Takes `count` rows of a member with `steps` rows off its front.
template <class T>
std::vector<T> takeFront(std::vector<T>& rows, std::size_t steps, std::size_t count) {
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / steps * count);
  std::vector<T> front(rows.begin(), end);
  rows.erase(rows.begin(), end);
  return front;
}

// With the next 300 evictions: more than a chunk, and no whole number of them.
trace::StepBlock takeSteps(trace::RunRecord& record, std::size_t steps, std::size_t count) {
  const std::size_t evicted = std::min<std::size_t>(record.evicted.size(), 300);
  return {.retained = takeFront(record.retained, steps, count),
          .oracle = takeFront(record.oracle, steps, count),
          .attended = takeFront(record.attended, steps, count),
          .attended_mass = takeFront(record.attended_mass, steps, count),
          .evicted = takeFront(record.evicted, std::max<std::size_t>(record.evicted.size(), 1), evicted)};
}

void writeUpToRuns(trace::Writer& writer, const SampleTrace& sample) {
  for (const auto& layer : sample.layers) writer.writeLayer(layer);
  writer.writeNextLogits(sample.next_logits);
}

TEST_F(StepBlocks, GiveTheSameRun) {
  const SampleTrace sample = longAnswers();
  std::vector<trace::RunRecord> rest = sample.runs;
  ASSERT_EQ(sample.runs[1].decode_ids.size(), 150U);
  trace::Writer writer(file(), sample.header);
  writeUpToRuns(writer, sample);
  std::vector<std::size_t> left(rest.size(), 150);
  for (const std::size_t count : {64U, 64U})  // the runs decode together
    for (std::size_t run = 0; run < rest.size(); ++run) {
      writer.appendSteps(run, takeSteps(rest[run], left[run], count));
      left[run] -= count;
    }
  for (std::size_t run = 0; run < rest.size(); ++run) writer.writeRun(run, rest[run]);
  writer.finish();
  const trace::Reader reader(file());
  for (std::size_t run = 0; run < sample.runs.size(); ++run) {
    expectRun(reader, run, sample.runs[run]);
    expectAttended(reader, run, sample.runs[run]);
  }
  const std::vector<trace::Eviction> evicted = reader.run(1)->evicted;
  ASSERT_EQ(evicted.size(), 700U);
  for (std::uint32_t i = 0; i < 700; ++i) EXPECT_EQ(evicted[i].position, i);
}

TEST_F(StepBlocks, MayBringAllSteps) {
  SampleTraceOptions options = tinyOptions();
  options.new_tokens = 128;
  options.attended = 1;
  const SampleTrace sample = makeSampleTrace(options);
  trace::RunRecord rest = sample.runs[1];
  trace::Writer writer(file(), sample.header);
  writer.appendSteps(1, takeSteps(rest, 128, 128));
  writer.writeRun(1, rest);
  expectRun(trace::Reader(writer.partPath()), 1, sample.runs[1]);
  expectAttended(trace::Reader(writer.partPath()), 1, sample.runs[1]);
}

TEST_F(StepBlocks, OfARunThatNeverEndedAreNoRun) {
  const SampleTrace sample = longAnswers();
  trace::RunRecord rest = sample.runs[1];
  {
    trace::Writer writer(file(), sample.header);
    writeUpToRuns(writer, sample);
    writer.writeRun(0, sample.runs[0]);
    writer.appendSteps(1, takeSteps(rest, 150, 64));
  }
  const trace::Reader reader(part());
  expectRun(reader, 0, sample.runs[0]);
  EXPECT_FALSE(reader.hasRun(1));
  EXPECT_FALSE(reader.run(1).has_value());
  EXPECT_FALSE(reader.attended(1, LayerIndex(0)).has_value());
}

TEST_F(StepBlocks, MustFitTheRun) {
  const SampleTrace sample = longAnswers();
  trace::Writer writer(file(), sample.header);
  trace::RunRecord rest = sample.runs[1];
  EXPECT_THAT(messageOf([&] { writer.appendSteps(1, takeSteps(rest, 150, 63)); }), HasSubstr("/runs/001: a block"));
  rest = sample.runs[1];
  trace::StepBlock lame = takeSteps(rest, 150, 64);
  lame.oracle.pop_back();
  EXPECT_THAT(messageOf([&] { writer.appendSteps(1, lame); }), HasSubstr("/runs/001: a block"));
  EXPECT_THAT(messageOf([&] { writer.appendSteps(sample.runs.size(), {}); }), HasSubstr("has no run"));
  rest = sample.runs[1];
  writer.appendSteps(1, takeSteps(rest, 150, 64));
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, sample.runs[1]); }), HasSubstr("/runs/001"));  // all steps once more
  trace::RunRecord shorter = rest;
  shorter.decode_ids.resize(10);
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, shorter); }), HasSubstr("/runs/001"));
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, rest); }), IsEmpty());
}

}  // namespace
}  // namespace kvatlas::test
