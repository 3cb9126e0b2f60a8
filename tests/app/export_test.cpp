// `kvatlas export`: tables row by row from traces and results, whole or not at all.
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
  for (std::size_t i = 0; i < reader.header().runs.size(); ++i) kept += reader.run(i)->kept_positions.size();
  const std::string csv = exported({path("sample.kva.h5"), "kept"}, "kept.csv");
  EXPECT_THAT(csv, StartsWith("run,layer,head,position\n0,0,0,0\n0,0,0,1\n"));
  EXPECT_EQ(linesOf(csv), kept + 1);
  const json list = json::parse(exported({path("sample.kva.h5"), "kept"}, "kept.json"));
  ASSERT_EQ(list.size(), kept);
  EXPECT_EQ(list[1], (json{{"run", 0}, {"layer", 0}, {"head", 0}, {"position", 1}}));
}

TEST_F(Export, EveryPartOfATraceIsValidJsonWithOneObjectPerCsvLine) {
  for (const char* part : {"runs", "capacity", "retained", "decode", "evicted", "spans", "tokens", "lse", "key-norm"}) {
    const json list = json::parse(exported({path("sample.kva.h5"), part, "--layer", "1"}, "part.json"));
    const std::string csv = exported({path("sample.kva.h5"), part, "--layer", "1"}, "part.csv");
    EXPECT_EQ(linesOf(csv), list.size() + 1) << part;
    // The shape that a whole list printed at once would have.
    EXPECT_EQ(results::test::bytesOf(path("part.json")), list.dump(1) + "\n") << part;
  }
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
  EXPECT_THAT(csv, HasSubstr("snapkv,snapkv,32,256,100.0,\n")) << "a cell that was not run is empty, not 0";
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
}

TEST_F(Export, AFullDiskLeavesNothing) {
  const Ended ended =
      run({"export", path("sample.kva.h5"), "kept", "-o", path("big.csv")}, Surroundings{.largest_file = 4096});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.lastLine(), HasSubstr("big.csv"));
  EXPECT_FALSE(std::filesystem::exists(path("big.csv")) || std::filesystem::exists(path("big.csv.part")));
}

}  // namespace
}  // namespace kvatlas::app_test
