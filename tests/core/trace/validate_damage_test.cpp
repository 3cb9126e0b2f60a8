// One damaged trace for every check of validate(), each refused by that check alone.
#include <hdf5.h>

#include <cmath>

#include "core/base/error.h"
#include "core/trace/notes_writer.h"
#include "core/trace/reader.h"
#include "core/trace/writer.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using trace::RunRecord;

class Damage : public TraceTest {
 protected:
  void SetUp() override { m_options.attended = 0; }  // the attended keys have tests of their own

  // All findings after the change, a line each.
  template <class Change>
  std::string said(const Change& change) {
    SampleTrace sample = makeSampleTrace(m_options);
    change(sample);
    writeSampleTrace(file(), sample);
    return findings();
  }
  std::string findings() {
    std::string lines;
    for (const trace::Finding& one : trace::validate(file())) lines += one.member + ": " + one.problem + "\n";
    return lines;
  }
  // Exactly one finding: this member, with these words.
  static auto only(const std::string& member, const std::string& words) {
    return AllOf(
        StartsWith(member + ": "), HasSubstr(words),
        testing::ResultOf([](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }, 1));
  }
  // The change of one run.
  template <class Change>
  std::string ofRun(std::size_t run, const Change& change) {
    return said([&](SampleTrace& s) { change(s.runs[run]); });
  }

  SampleTraceOptions m_options = tinyOptions();
};

TEST_F(Damage, OfTheHeader) {
  EXPECT_EQ(said([](SampleTrace&) {}), "");
  EXPECT_THAT(said([](SampleTrace& s) { s.header.model.compute_dtype = "f64"; }), only("/model", "compute_dtype"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.model.hidden_size = 0; }), only("/model", "hidden_size"));
  for (const double wrong : {double(NAN), -1.0, 0.0})
    EXPECT_THAT(said([&](SampleTrace& s) { s.header.model.rope_theta = wrong; }), only("/model", "rope_theta"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.model.name = "\xff"; }), only("/model", "not UTF-8"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.generator = "\xff"; }), only("/", "not UTF-8"));
  for (const double wrong : {double(NAN), -3.0})
    EXPECT_THAT(said([&](SampleTrace& s) { s.header.runs[1].budget_nominal = wrong; }),
                only("/runs/001", "budget_nominal"));
  for (const std::string wrong : {"[1]", "{", "", "{}}"})
    EXPECT_THAT(said([&](SampleTrace& s) { s.header.runs[2].parameters = wrong; }),
                only("/runs/002", "not a JSON object"));
  EXPECT_THAT(said([](SampleTrace& s) {
                s.header.runs[2].parameters = R"({"a":)" + std::string(2000, '[') + std::string(2000, ']') + "}";
              }),
              only("/runs/002", "not a JSON object"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.runs[1].label = "\xff"; }), only("/runs/001", "not UTF-8"));
}

TEST_F(Damage, OfThePrompt) {
  EXPECT_THAT(said([](SampleTrace& s) { s.header.prompt.offsets[0] = 1; }),
              only("/prompt/offsets", "does not begin at 0"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.prompt.offsets.back() -= 1; }),
              only("/prompt/offsets", "does not end where the text ends"));
  EXPECT_THAT(said([](SampleTrace& s) {
                s.header.prompt.spans.push_back({0, 2, "\xff"});
              }),
              only("/prompt/span_names", "not UTF-8"));
  EXPECT_THAT(said([](SampleTrace& s) { s.header.prompt.ids[0] = 310; }),
              only("/prompt/ids", "outside the vocabulary"));
  EXPECT_THAT(said([](SampleTrace& s) { s.next_logits[7] = NAN; }), only("/prompt/next_logits", "not finite"));
}

TEST_F(Damage, OfNotes) {
  writeSampleTrace(file(), m_options);
  trace::writeNotes(file(), "oops");
  EXPECT_THAT(findings(), only("/notes", "not valid JSON"));
  trace::writeNotes(file(), "[1]");
  EXPECT_THAT(findings(), only("/notes", "not a JSON object"));
  trace::writeNotes(file(), R"({"bookmarks": []})");
  EXPECT_EQ(findings(), "");
}

TEST_F(Damage, OfSignals) {
  using Layer = trace::LayerRecord;
  const auto ofLayer = [&](const auto& change) { return said([&](SampleTrace& s) { change(s.layers[1]); }); };
  const std::string at = "/attention/001/";
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::Lse][0] = NAN; }), only(at + "lse", "not finite"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::Entropy][5] = 9; }), only(at + "entropy", "query 5"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::Entropy][5] = -0.1F; }), only(at + "entropy", "query 5"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::Received][3] += 1; }), only(at + "received", "sums to"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::KeyNorm][0] = -1; }), only(at + "key_norm", "negative"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.values[Signal::ValueNorm][0] = NAN; }), only(at + "value_norm", "not finite"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.query[9] = 0x7FC0; }), only(at + "query", "not finite (head 0)"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.key[9] = 0xFF80; }), only(at + "key", "not finite (head 0)"));
  // Without the window's rows, which contradict the sums otherwise.
  EXPECT_THAT(ofLayer([](Layer& l) {
                l.codes[Signal::WindowRows].clear();
                // Mass goes from the key with most of it to one that got little from any query.
                auto &sum = l.values[Signal::WindowSum], &all = l.values[Signal::Received];
                const auto least = std::min_element(all.begin(), all.begin() + 36) - all.begin();
                const float moved = all[static_cast<std::size_t>(least)] + 0.01F;
                *std::max_element(sum.begin(), sum.begin() + 40) -= moved;
                sum[static_cast<std::size_t>(least)] += moved;
              }),
              only(at + "window_sum", "exceeds the total received at key"));
  EXPECT_THAT(ofLayer([](Layer& l) {
                l.codes[Signal::WindowRows].clear();
                l.values[Signal::WindowSum][0] *= 0.5F;
              }),
              only(at + "window_sum", "the window is 4"));
}

TEST_F(Damage, OfWindowRows) {
  const auto ofRows = [&](const auto& change) {
    return said([&](SampleTrace& s) { change(s.layers[1].codes[Signal::WindowRows]); });
  };
  const std::string member = "/attention/001/window_rows";
  // Row 0 is that of query 36.
  EXPECT_THAT(ofRows([](std::vector<std::uint16_t>& rows) { rows[37] = 1; }),
              only(member, "row 0 looks at a later key"));
  EXPECT_THAT(ofRows([](std::vector<std::uint16_t>& rows) { rows[0] = 0; }), only(member, "row 0 sums to"));
  EXPECT_THAT(ofRows([](std::vector<std::uint16_t>& rows) { std::swap(rows[0], rows[20]); }),
              only(member, "column 0 sums to"));
}

TEST_F(Damage, OfMaps) {
  m_options.tokens = 301;
  m_options.map_size = 160;
  const std::size_t side = 151;  // 2 tokens per cell
  const auto ofLayer = [&](const auto& change) { return said([&](SampleTrace& s) { change(s.layers[0]); }); };
  using Layer = trace::LayerRecord;
  EXPECT_EQ(ofLayer([](Layer&) {}), "");
  EXPECT_THAT(ofLayer([](Layer& l) { l.map_max[0][1] = 1; }),
              only("/attention/000/map/max/0", "has a value where no query sees a key"));
  EXPECT_THAT(ofLayer([](Layer& l) { l.map_max[2][1] = 1; }),
              only("/attention/000/map/max/2", "has a value where no query sees a key"));
  EXPECT_THAT(ofLayer([&](Layer& l) { l.map_max[1][76 * 5] -= 3000; }), HasSubstr("/attention/000/map/max/1: cell"));
  // The mean of the finest level alone: no maximum to exceed, no coarser level to contradict.
  EXPECT_THAT(ofLayer([&](Layer& l) {
                for (std::size_t k = 0; k < l.map_mean.size(); ++k) {
                  l.map_max[k].clear();
                  if (k > 0) l.map_mean[k].clear();
                }
                for (std::size_t row = 0; row < side; ++row) l.map_mean[0][row * side] = 0;
              }),
              only("/attention/000/map/mean/0", "holds a mass of"));
  EXPECT_THAT(ofLayer([&](Layer& l) {
                l.map_max[0].clear();
                std::swap(l.map_mean[0][side * 100], l.map_mean[0][side * 100 + 60]);
              }),
              only("/attention/000/map/mean/1", "expected"));
}

TEST_F(Damage, OfKeptPositions) {
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { std::swap(r.kept_positions[0], r.kept_positions[1]); }),
              only("/runs/001/kept/positions", "not ascending (layer 0, head 0)"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.kept_positions[11] = 40; }),
              only("/runs/001/kept/positions", "outside the prompt"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.capacity[0] -= 1; }), only("/runs/001/capacity", "number of kept"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.budget_realised += 1; }), only("/runs/001", "budget_realised"));
  EXPECT_THAT(ofRun(0,
                    [](RunRecord& r) {
                      r.capacity[0] -= 1;
                      r.kept_positions.erase(r.kept_positions.begin() + 20);
                      for (std::size_t i = 1; i < r.kept_offsets.size(); ++i) r.kept_offsets[i] -= 1;
                      r.budget_realised = double(r.kept_positions.size()) / double(r.capacity.size());
                      r.cache_bytes -= 2 * 8 * sizeof(float);
                    }),
              only("/runs/000/capacity", "the full cache lacks tokens"));
}

TEST_F(Damage, OfGeneratedTokens) {
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.decode_ids[1] = 310; }), only("/runs/001/decode/ids", "vocabulary"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.decode_ids[0] = 7; }), only("/runs/001/decode/ids", "begins with 7"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.decode_offsets.back() -= 1; }),
              only("/runs/001/decode/offsets", "does not end"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.decode_offsets[0] = 1; }), only("/runs/001/decode/offsets", "begin at 0"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.decode_text[0] = '\xff'; }), only("/runs/001/decode/text", "not UTF-8"));
  EXPECT_THAT(ofRun(1,
                    [](RunRecord& r) {
                      r.evicted.push_back({5, 0, 0, 0});
                    }),
              only("/runs/001/decode/evicted", "names a step"));
}

TEST_F(Damage, OfDivergence) {
  const std::string member = "/runs/001/decode/kl";
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.kl[1] = -0.1F; }), only(member, "is not a divergence"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.kl[1] = INFINITY; }), only(member, "is not a divergence"));
  for (const float wrong : {NAN, 0.5F})
    EXPECT_THAT(ofRun(1, [&](RunRecord& r) { r.kl[0] = wrong; }), only(member, "at step 0"));
}

// Whether a step can be compared depends on the tokens that run and full cache were fed.
TEST_F(Damage, OfDivergenceWhereItIsNotDefined) {
  m_options.new_tokens = 4;
  const auto following = [&](const char* follow, std::size_t run, const auto& change) {
    return said([&](SampleTrace& s) {
      s.header.runs[run].parameters = std::string(R"({"follow":")") + follow + "\"}";
      change(s.runs[run]);
    });
  };
  ASSERT_EQ(makeSampleTrace(m_options).header.runs[1].method, "streamingllm");  // says another word from step 1 on
  EXPECT_THAT(following("own", 1, [](RunRecord&) {}), only("/runs/001/decode/kl", "has a value at step 2"));
  EXPECT_EQ(following("own", 1, [](RunRecord& r) { r.kl[2] = r.kl[3] = NAN; }), "");
  EXPECT_THAT(following("own", 2, [](RunRecord& r) { r.kl[3] = NAN; }),
              only("/runs/002/decode/kl", "missing at step 3"));
  EXPECT_THAT(following("full", 1, [](RunRecord& r) { r.kl[2] = NAN; }),
              only("/runs/001/decode/kl", "missing at step 2"));
}

TEST_F(Damage, OfRetainedMass) {
  const std::string member = "/runs/001/retained";
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.retained[5] = r.oracle[5] + 0.01F; }), only(member, "entry 5"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.oracle[5] = 1.1F; }), only(member, "entry 5"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.retained[5] = -0.1F; }), only(member, "entry 5"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.retained[5] = r.oracle[5] = NAN; }), only(member, "entry 5"));
  // Step 0 is the attention of the prompt's last query, which the trace holds.
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.retained[3] *= 0.9F; }), only(member, "(layer 1, head 1)"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.oracle[2] = std::min(1.0F, r.oracle[2] + 0.05F); }),
              only(member, "(layer 1, head 0)"));
}

TEST_F(Damage, OfSizesAndTimes) {
  EXPECT_THAT(ofRun(0, [](RunRecord& r) { r.cache_bytes /= 2; }), only("/runs/000", "cache_bytes"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.cache_bytes = 7; }), only("/runs/001", "cache_bytes"));
  EXPECT_THAT(ofRun(1, [](RunRecord& r) { r.cache_bytes *= 2; }), only("/runs/001", "cache_bytes"));
  EXPECT_EQ(ofRun(1, [](RunRecord& r) { r.cache_bytes /= 4; }), "") << "a store of fewer bits";
  for (const double wrong : {double(NAN), -1.0})
    EXPECT_THAT(ofRun(1, [&](RunRecord& r) { r.seconds = wrong; }), only("/runs/001", "seconds"));
}

TEST_F(Damage, OfPartsThatAreMissing) {
  const SampleTrace sample = makeSampleTrace(m_options);
  {
    trace::Writer writer(file(), sample.header);
    writer.writeLayer(sample.layers[0]);
    writer.writeNextLogits(sample.next_logits);
    for (std::size_t run = 0; run < sample.runs.size(); ++run) writer.writeRun(run, sample.runs[run]);
    writer.finish();
  }
  EXPECT_THAT(findings(), only("/attention/001", "was not recorded"));
  {
    trace::Writer writer(file(), sample.header);
    for (const auto& layer : sample.layers) writer.writeLayer(layer);
    for (std::size_t run = 0; run < sample.runs.size(); ++run)
      if (run != 2) writer.writeRun(run, sample.runs[run]);
    writer.finish();
  }
  EXPECT_EQ(findings(), "/prompt/next_logits: is missing\n/runs/002: was not recorded\n");
}

// A gap in the numbers would hide the runs after it.
TEST_F(Damage, OfTheRunNumbers) {
  writeSampleTrace(file(), m_options);
  const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Lmove(id, "/runs/001", id, "/runs/009", H5P_DEFAULT, H5P_DEFAULT), 0);
  H5Fclose(id);
  EXPECT_THAT(messageOf([&] { trace::Reader reader(file()); }),
              HasSubstr("/runs: '001' is missing, though there are 5"));
}

// Limits of the format: a writer and a reader refuse what lies beyond.
TEST_F(Damage, BeyondTheLimits) {
  const auto refusal = [&](const auto& change) { return messageOf([&] { said(change); }); };
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.runs[1].label.assign(1001, 'x'); }),
              HasSubstr("the limit is 1000"));
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.model.name.assign(1001, 'x'); }), HasSubstr("the limit is 1000"));
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.runs[1].parameters.assign(8001, ' '); }), HasSubstr("8000"));
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.prompt.spans.resize(10'001); }), HasSubstr("limit is 10000"));
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.runs.resize(513, s.header.runs[1]); }), HasSubstr("limit is 512"));
  EXPECT_THAT(refusal([](SampleTrace& s) { s.header.prompt.text.resize(1 << 20); }), HasSubstr("too long"));
}

}  // namespace
}  // namespace kvatlas::test
