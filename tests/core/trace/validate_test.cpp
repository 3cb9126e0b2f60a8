#include <cmath>
#include <stop_token>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using trace::Finding;

class Validate : public TraceTest {
 protected:
  // The findings for a trace after one change.
  template <class Change>
  std::vector<Finding> after(const Change& change) {
    SampleTrace sample = makeSampleTrace(tinyOptions());
    change(sample);
    writeSampleTrace(file(), sample);
    return trace::validate(file());
  }
  static auto names(const std::string& member) { return Contains(Field(&Finding::member, HasSubstr(member))); }
};

TEST_F(Validate, ACompleteTraceHasNoFindings) {
  for (const std::uint64_t sliding : {0, 16}) {
    SampleTraceOptions options = tinyOptions();
    options.tokens = 301;
    options.map_size = 160;
    options.sliding_window = sliding;
    writeSampleTrace(file(), options);
    for (const Finding& finding : trace::validate(file())) ADD_FAILURE() << finding.member << ": " << finding.problem;
  }
}

TEST_F(Validate, AnUnfinishedTraceIsAFinding) {
  SampleTraceOptions options = tinyOptions();
  options.finish = false;
  writeSampleTrace(file(), options);
  const auto findings = trace::validate(part());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].problem, HasSubstr("did not finish"));
}

class CountingProgress final : public Progress {
 public:
  explicit CountingProgress(std::stop_source* stop = nullptr) : m_stop(stop) {}
  void begin(std::string_view, std::uint64_t total) override { m_total = total; }
  void advance(std::uint64_t done) override {
    m_done = done;
    if (m_stop != nullptr) m_stop->request_stop();
  }
  void end() override {}
  void warn(std::string_view) override {}

  std::uint64_t m_total = 0, m_done = 0;

 private:
  std::stop_source* m_stop;
};

TEST_F(Validate, ReportsProgressAndStopsOnRequest) {
  writeSampleTrace(file(), tinyOptions());
  CountingProgress progress;
  EXPECT_TRUE(trace::validate(file(), {.progress = &progress}).empty());
  EXPECT_EQ(progress.m_total, 2U * 2 + 5);  // heads of all layers, runs
  EXPECT_EQ(progress.m_done, progress.m_total);
  std::stop_source stop;
  CountingProgress stopping(&stop);
  EXPECT_THROW(static_cast<void>(trace::validate(file(), {.progress = &stopping, .stop = stop.get_token()})),
               Cancelled);
  EXPECT_EQ(stopping.m_done, 1U);
}

TEST_F(Validate, EachKindOfDamageIsNamed) {
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].values[Signal::Received][3] += 1; }),
              names("/attention/000/received"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[1].values[Signal::Entropy][5] = 9; }),
              names("/attention/001/entropy"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].values[Signal::Lse][0] = NAN; }), names("/attention/000/lse"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].codes[Signal::WindowRows][39] = 60'000; }),
              names("/attention/000/window_rows"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].values[Signal::KeyNorm][0] = -1; }),
              names("/attention/000/key_norm"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].map_max[0][0] = 1; }), names("/attention/000/map/"));
  EXPECT_THAT(after([](SampleTrace& s) { s.layers[0].map_mean[0][1] = 9; }), names("/attention/000/map/mean/0"));
  EXPECT_THAT(after([](SampleTrace& s) { s.runs[1].retained[0] = s.runs[1].oracle[0] + 0.1F; }),
              names("/runs/001/retained"));
  EXPECT_THAT(after([](SampleTrace& s) { std::swap(s.runs[2].kept_positions[0], s.runs[2].kept_positions[1]); }),
              names("/runs/002/kept/positions"));
  EXPECT_THAT(after([](SampleTrace& s) { s.runs[1].capacity[0] -= 1; }), names("/runs/001/capacity"));
  EXPECT_THAT(after([](SampleTrace& s) { s.runs[1].budget_realised += 1; }), names("/runs/001"));
  EXPECT_THAT(after([](SampleTrace& s) { s.runs[1].decode_ids[0] = 310; }), names("/runs/001/decode/ids"));
  EXPECT_THAT(after([](SampleTrace& s) { s.header.prompt.ids[0] = 310; }), names("/prompt/ids"));
}

TEST_F(Validate, EachKindOfDamageToExpertsIsNamed) {
  SampleTraceOptions options = tinyOptions();
  options.experts = 4;
  const auto findings = [&](const auto& change) {
    SampleTrace sample = makeSampleTrace(options);
    change(sample.experts);
    writeSampleTrace(file(), sample);
    return trace::validate(file());
  };
  EXPECT_TRUE(findings([](ExpertUse&) {}).empty());
  EXPECT_THAT(findings([](ExpertUse& use) { use.tokens[5] -= 1; }), names("/experts/tokens"));
  EXPECT_THAT(findings([](ExpertUse& use) { use.tokens[0] = 41; }), names("/experts"));
  EXPECT_THAT(findings([](ExpertUse& use) { use.weight[0] *= 0.5F; }), names("/experts/weight"));
  EXPECT_THAT(findings([](ExpertUse& use) { use.weight[1] = -0.1F; }), names("/experts"));
  EXPECT_THAT(findings([](ExpertUse& use) { use.weight[6] = NAN; }), names("/experts"));
}

// A run whose lists are replayed: run 1 (StreamingLLM, 12 of 40 tokens) decides again after every token.
class ValidateEvicted : public Validate {
 protected:
  template <class Change>
  std::string finding(const Change& change) {
    SampleTraceOptions options = tinyOptions();
    options.new_tokens = 4;
    SampleTrace sample = makeSampleTrace(options);
    trace::RunHeader& header = sample.header.runs[1];
    trace::RunRecord& run = sample.runs[1];
    header.every = 1;
    // Each step's token replaces the oldest one behind the sinks; from step 1 on 13 tokens are held when it is chosen.
    const auto lists = static_cast<std::uint32_t>(run.capacity.size());
    const std::uint64_t row = run.cache_bytes / run.keptTokens();
    run.step_bytes = {run.cache_bytes};
    for (std::uint32_t step = 1; step < 4; ++step) {
      run.step_bytes.push_back(run.cache_bytes + row * lists);
      for (std::uint32_t list = 0; list < lists && step < 3; ++list)
        run.evicted.push_back({step, list / header.heads, list % header.heads, run.kept(list)[3 + step]});
    }
    change(run);
    writeSampleTrace(file(), sample);
    std::string said;
    for (const Finding& one : trace::validate(file()))
      if (one.member == "/runs/001/decode/evicted") said += one.problem;
    return said;
  }
};

TEST_F(ValidateEvicted, AReplayHasToGiveWhatEachStepHolds) {
  using Record = trace::RunRecord;
  EXPECT_EQ(finding([](Record&) {}), "");
  EXPECT_THAT(finding([](Record& r) { r.step_bytes[2] += 8; }), HasSubstr("step 2: the tokens held take"));
  EXPECT_THAT(finding([](Record& r) { r.evicted[0].position = 10; }), HasSubstr("position 10 was not held (step 1"));
  EXPECT_THAT(finding([](Record& r) { r.evicted[0].position = 41; }), HasSubstr("position 41 was not held (step 1"));
  EXPECT_EQ(finding([](Record& r) { r.evicted[0].position = 40; }), "") << "generated tokens can go";
  EXPECT_THAT(finding([](Record& r) { r.evicted.erase(r.evicted.begin()); }),
              HasSubstr("step 2: layer 0, head 0 holds 14 tokens, at most 12 + 1"));
  EXPECT_THAT(finding([](Record& r) { r.evicted.back().position = r.evicted[1].position; }), testing::Not(""));
  EXPECT_THAT(finding([](Record& r) { r.evicted.push_back(r.evicted.back()); }), testing::Not(""));
  EXPECT_THAT(finding([](Record& r) { r.evicted[0].step = 9; }), testing::Not(""));
  EXPECT_THAT(finding([](Record& r) { r.evicted[0].head = 99; }), HasSubstr("does not exist"));
}

// The finding about the attended keys of run 1 (StreamingLLM, 12 of 40 tokens, 2 steps).
class ValidateAttended : public Validate {
 protected:
  static constexpr std::size_t kSecondStep = std::size_t{1} * 2 * 2 * 8;  // layers × query heads × K
  template <class Change>
  std::string finding(const Change& change, std::uint64_t sliding = 0) {
    SampleTraceOptions options = tinyOptions();
    options.sliding_window = sliding;
    SampleTrace sample = makeSampleTrace(options);
    change(sample.runs[1]);
    writeSampleTrace(file(), sample);
    std::string said;
    for (const Finding& one : trace::validate(file()))
      if (one.member == "/runs/001/decode/attended") said += one.problem;
    return said;
  }
};

TEST_F(ValidateAttended, EachKindOfDamageIsNamed) {
  using Record = trace::RunRecord;
  EXPECT_EQ(finding([](Record&) {}), "");
  EXPECT_THAT(finding([](Record& r) { r.attended[0] = 40; }), HasSubstr("position 40 does not exist yet (step 0"));
  EXPECT_THAT(finding([](Record& r) { r.attended[kSecondStep] = 41; }), HasSubstr("does not exist yet (step 1"));
  EXPECT_THAT(finding([](Record& r) { r.attended[1] = r.attended[0]; }), HasSubstr("listed twice"));
  EXPECT_THAT(finding([](Record& r) { r.attended_mass[0] = 1.2F; }), HasSubstr("outside 0 … 1"));
  EXPECT_THAT(finding([](Record& r) { r.attended_mass[0] = NAN; }), HasSubstr("outside 0 … 1"));
  EXPECT_THAT(finding([](Record& r) { r.attended_mass[7] = 0.9F; }), HasSubstr("not descending"));
  EXPECT_THAT(finding([](Record& r) { std::fill_n(r.attended_mass.begin(), 8, 0.2F); }), HasSubstr("not ascending"));
  EXPECT_THAT(finding([](Record& r) {
                std::sort(r.attended.begin(), r.attended.begin() + 8);
                std::fill_n(r.attended_mass.begin(), 8, 0.2F);
              }),
              HasSubstr("sum to 1.6"));
  EXPECT_THAT(finding([](Record& r) { r.attended[7] = trace::kNoToken; }), HasSubstr("has no key"));
  EXPECT_THAT(finding([](Record& r) {
                r.attended[6] = trace::kNoToken;
                r.attended_mass[6] = r.attended_mass[7] = 0;
              }),
              HasSubstr("follows an empty entry"));
}

// StreamingLLM keeps 4 sinks and the last 8 of 40: position 10 is evicted from step 1, but visible at step 0.
TEST_F(ValidateAttended, AnEvictedKeyCannotBeAttendedTo) {
  const auto replaceLast = [](std::size_t step) {
    return [step](trace::RunRecord& record) {
      record.attended[step + 7] = 10;
      record.attended_mass[step + 7] = 0;
    };
  };
  EXPECT_EQ(finding(replaceLast(0)), "");
  EXPECT_THAT(finding(replaceLast(kSecondStep)),
              HasSubstr("position 10 was already evicted (step 1, layer 0, head 0)"));
  EXPECT_THAT(finding([](trace::RunRecord& r) {
                r.evicted.push_back({0, 0, 0, r.attended[kSecondStep]});
              }),
              HasSubstr("was already evicted"));
  EXPECT_THAT(finding(replaceLast(0), 16), HasSubstr("position 10 is outside the sliding window (step 0"));
}

}  // namespace
}  // namespace kvatlas::test
