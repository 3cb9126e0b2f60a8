// `kvatlas export`: tables from traces and results, complete or not written at all.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/results/tables.h"
#include "core/trace/reader.h"
#include "tests/app/programme.h"
#include "tests/support/sample_results.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::app_test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Export : public ProgrammeTest {
 protected:
  Export() {
    test::writeSampleTrace(path("sample.kva.h5"), test::SampleTraceOptions{});
    results::test::writeCases(path("results"), results::Settings(results::test::sampleValues()), 20);
  }
  [[nodiscard]] std::string exported(const Words& words, const std::string& name) const {
    Words all{"export"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"-o", path(name)});
    const Ended ended = run(all);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return results::test::bytesOf(path(name));
  }
  [[nodiscard]] static std::size_t linesOf(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
};

TEST_F(Export, KeptPositionsOfATraceAsCsvAndJson) {
  const trace::Reader reader(path("sample.kva.h5"));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < reader.header().runs.size(); ++i) kept += reader.run(i)->keptTokens();
  const std::string csv = exported({path("sample.kva.h5"), "kept"}, "kept.csv");
  EXPECT_THAT(csv, StartsWith("run,layer,head,position\n0,0,0,0\n0,0,0,1\n"));
  EXPECT_EQ(linesOf(csv), kept + 1);
  const json list = json::parse(exported({path("sample.kva.h5"), "kept"}, "kept.json"));
  ASSERT_EQ(list.size(), kept);
  EXPECT_EQ(list[1], (json{{"run", 0}, {"layer", 0}, {"head", 0}, {"position", 1}}));
}

TEST_F(Export, ExpertsOfATrace) {
  expectRefused(run({"export", path("sample.kva.h5"), "experts", "-o", path("none.csv")}), 1,
                {"sample.kva.h5", "experts"});
  const test::SampleTraceOptions options{.experts = 3};
  const test::SampleTrace sample = test::makeSampleTrace(options);
  test::writeSampleTrace(path("experts.kva.h5"), sample);
  const json list = json::parse(exported({path("experts.kva.h5"), "experts", "--layer", "2"}, "experts.json"));
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[1]["layer"], 2);
  EXPECT_EQ(list[1]["expert"], 1);
  EXPECT_EQ(list[1]["tokens"], sample.experts.tokens[7]);
  EXPECT_NEAR(list[1]["share"].get<double>(), sample.experts.tokens[7] / double(options.tokens), 1e-9);
  EXPECT_NEAR(list[1]["weight"].get<double>(), sample.experts.weight[7], 1e-6);
}

TEST_F(Export, EveryPartOfATraceIsValidJsonWithOneObjectPerCsvLine) {
  for (const char* part :
       {"runs", "capacity", "retained", "decode", "evicted", "attended", "spans", "tokens", "lse", "key-norm"}) {
    const json list = json::parse(exported({path("sample.kva.h5"), part, "--layer", "1"}, "part.json"));
    const std::string csv = exported({path("sample.kva.h5"), part, "--layer", "1"}, "part.csv");
    EXPECT_EQ(linesOf(csv), list.size() + 1) << part;
    // The same text as dumping the whole list at once.
    EXPECT_EQ(results::test::bytesOf(path("part.json")), list.dump(1) + "\n") << part;
  }
}

// Fewer layers than heads: an exchange of the two shows.
TEST_F(Export, RetainedMassOfEachStepLayerAndHead) {
  test::writeSampleTrace(path("three.kva.h5"), test::SampleTraceOptions{.layers = 3});
  const auto record = trace::Reader(path("three.kva.h5")).run(2).value();
  const json list = json::parse(exported({path("three.kva.h5"), "retained", "--run", "2"}, "retained.json"));
  ASSERT_EQ(list.size(), record.retained.size());
  ASSERT_EQ(list.size(), record.decode_ids.size() * 3 * 4);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t head = i % 4, layer = i / 4 % 3, step = i / 12;
    EXPECT_EQ(list[i]["head"], head);
    EXPECT_EQ(list[i]["layer"], layer);
    EXPECT_EQ(list[i]["step"], step);
    EXPECT_NEAR(list[i]["retained"].get<double>(), record.retained[i], 1e-6);
    EXPECT_NEAR(list[i]["oracle"].get<double>(), record.oracle[i], 1e-6);
  }
  const json last = json::parse(
      exported({path("three.kva.h5"), "retained", "--run", "2", "--layer", "2", "--head", "1"}, "last.json"));
  ASSERT_EQ(last.size(), record.decode_ids.size());
  EXPECT_NEAR(last[0]["retained"].get<double>(), record.retained[2 * 4 + 1], 1e-6);
}

TEST_F(Export, WhatGeneratedTokensAttendedTo) {
  const trace::Reader reader(path("sample.kva.h5"));
  const json list = json::parse(
      exported({path("sample.kva.h5"), "attended", "--run", "2", "--layer", "1", "--head", "3"}, "attended.json"));
  const auto attended = reader.attended(2, LayerIndex(1)).value();
  ASSERT_EQ(list.size(), attended.steps() * 8);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t cell = attended.at(i / 8, 3) + i % 8;
    EXPECT_EQ(list[i]["step"], i / 8);
    EXPECT_EQ(list[i]["rank"], i % 8 + 1);
    EXPECT_EQ(list[i]["position"], attended.positions[cell]);
    EXPECT_EQ(list[i]["mass"].get<float>(), attended.mass[cell]);
  }
  // Prompt tokens and generated ones by their text.
  const auto& prompt = reader.header().prompt;
  const std::uint64_t first = list[0]["position"];
  EXPECT_EQ(list[0]["token"],
            prompt.text.substr(prompt.offsets[first], prompt.offsets[first + 1] - prompt.offsets[first]));
  const std::string csv = exported({path("sample.kva.h5"), "attended"}, "attended.csv");
  EXPECT_THAT(csv, StartsWith("run,step,layer,head,rank,position,token,mass\n0,0,0,0,1,"));
  EXPECT_EQ(linesOf(csv), 1U + 5 * 6 * 4 * 4 * 8);
  const auto record = reader.run(2).value();
  const std::string second =
      record.decode_text.substr(record.decode_offsets[1], record.decode_offsets[2] - record.decode_offsets[1]);
  EXPECT_THAT(csv, HasSubstr(",257," + second + ",")) << "the second generated token of 256 + 6";
}

TEST_F(Export, ATraceWithoutAttendedKeysSaysSo) {
  test::writeSampleTrace(path("old.kva.h5"), test::SampleTraceOptions{.attended = 0});
  const Ended ended = run({"export", path("old.kva.h5"), "attended", "-o", path("x.csv")});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.lastLine(), HasSubstr("does not record what generated tokens attended to; capture it again"));
  EXPECT_FALSE(std::filesystem::exists(path("x.csv")));
}

TEST_F(Export, SignalsReadBackAsTheSameFloats) {
  const trace::Reader reader(path("sample.kva.h5"));
  const auto values = *reader.signal(LayerIndex(2), trace::Signal::Received);
  const json list = json::parse(exported({path("sample.kva.h5"), "received", "--layer", "2"}, "received.json"));
  ASSERT_EQ(list.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(list[i]["value"].get<float>(), values[i]) << i;
}

TEST_F(Export, NeedleCellsAndAccuracyOfResults) {
  const results::ResultsReader reader(path("results"));
  const std::string csv = exported({path("results"), "needle"}, "needle.csv");
  EXPECT_THAT(csv, StartsWith("method,label,budget,length,depth,score\nfull,full,full,128,0.0,1.0\n"));
  EXPECT_THAT(csv, HasSubstr("snapkv,snapkv,32,128,37.5,0.375\n"));
  EXPECT_THAT(csv, HasSubstr("snapkv,snapkv,32,256,100.0,\n")) << "a cell without a run is empty, not 0";
  EXPECT_EQ(linesOf(csv), 1U + 3 * 2 * 3);
  const auto table = results::accuracyOf(reader.settings().plan(), reader.records());
  const json rows = json::parse(exported({path("results"), "accuracy"}, "accuracy.json"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1]["score"], table[1].mean);
  EXPECT_EQ(rows[1]["low"], table[1].interval.low);
  EXPECT_EQ(rows[1]["records"], 20);
  const json overlap = json::parse(exported({path("results"), "accuracy", "--score", "word_overlap"}, "overlap.json"));
  EXPECT_NEAR(overlap[0]["score"].get<double>(), 0.1, 1e-9);
  const json records = json::parse(exported({path("results"), "records"}, "records.json"));
  ASSERT_EQ(records.size(), reader.records().size());
  EXPECT_EQ(records[2]["answer"], reader.records()[2].answer);
  EXPECT_EQ(records[2]["word_overlap"], 0.1);
}

TEST_F(Export, WrongWordsAndSourcesLeaveNothing) {
  const auto refused = [&](const Words& words, int code, const char* part) {
    Words all{"export"};
    all.insert(all.end(), words.begin(), words.end());
    const Ended ended = run(all);
    EXPECT_EQ(ended.exit_code, code) << ended.err;
    EXPECT_THAT(ended.lastLine(), HasSubstr(part));
    EXPECT_FALSE(std::filesystem::exists(path("x.csv")) || std::filesystem::exists(path("x.csv.part")));
  };
  const std::string trace = path("sample.kva.h5"), results = path("results");
  refused({trace, "needle", "-o", path("x.csv")}, 1, "folder of results");
  refused({results, "kept", "-o", path("x.csv")}, 1, "trace file");
  refused({results, "neddle", "-o", path("x.csv")}, 2, "needle");
  refused({results, "needle", "-o", path("x.txt")}, 2, ".csv or .json");
  refused({results, "needle", "--score", "exat", "-o", path("x.csv")}, 2, "exact");
  refused({results, "needle", "--layer", "1", "-o", path("x.csv")}, 2, "--layer");
  refused({trace, "kept", "--run", "99", "-o", path("x.csv")}, 2, "--run 99");
  refused({trace, "attended", "--run", "99", "-o", path("x.csv")}, 2, "--run 99");
  refused({trace, "attended", "--layer", "4", "-o", path("x.csv")}, 2, "--layer 4");
}

TEST_F(Export, AFullDiskLeavesNothing) {
  const Ended ended =
      run({"export", path("sample.kva.h5"), "kept", "-o", path("big.csv")}, RunEnvironment{.largest_file = 4096});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.lastLine(), HasSubstr("big.csv"));
  EXPECT_FALSE(std::filesystem::exists(path("big.csv")) || std::filesystem::exists(path("big.csv.part")));
}

}  // namespace
}  // namespace kvatlas::app_test
