// Files of predictions as published runners write them, and damaged ones.
#include "core/metrics/predictions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "core/base/error.h"

namespace kvatlas::metrics {
namespace {

namespace fs = std::filesystem;

class Predictions : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(m_folder);
    fs::create_directories(m_folder);
  }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((m_folder / name).parent_path());
    std::ofstream(m_folder / name) << text;
    return m_folder / name;
  }
  std::string score(const fs::path& file) {
    return scorePredictions(file, [&](const ScoredLine& line) { m_lines.push_back(line); });
  }
  std::string errorOf(const fs::path& file) {
    try {
      (void)score(file);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path m_folder;
  std::vector<ScoredLine> m_lines;
};

TEST_F(Predictions, NameTheirDatasetByFieldFileOrFolder) {
  const std::string row = R"({"pred": "The Cat.", "answers": ["cat"], "all_classes": null, "length": 5})";
  EXPECT_EQ(score(write("hotpotqa_e.jsonl", row + "\n")), "");
  EXPECT_EQ(score(write("qasper/SnapKV.json", row)), "");
  EXPECT_EQ(
      score(write("any.jsonl", R"({"dataset": "triviaqa", "pred": "\ncat\nQuestion:", "answers": ["dog", "cat"]})")),
      "");
  EXPECT_EQ(score(write("4096/niah_single_1/FullKV.json", R"({"pred": "Is 12 ", "outputs": ["12", "13"]})")), "");
  ASSERT_EQ(m_lines.size(), 4U);
  const std::vector<std::string> names{"hotpotqa_e", "qasper", "triviaqa", "niah_single_1"};
  const std::vector<double> scores{1, 1, 1, 0.5};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(m_lines[i].dataset, names[i]);
    EXPECT_EQ(m_lines[i].score, scores[i]);
  }
}

TEST_F(Predictions, AskForAMetricWhereTheDatasetIsUnknown) {
  EXPECT_NE(errorOf(write("x.jsonl", R"({"dataset": "mine", "pred": "", "answers": [""]})"))
                .find("x.jsonl:1: field 'metric'"),
            std::string::npos);
  EXPECT_EQ(score(write("y.jsonl", R"({"dataset": "mine", "metric": "count", "pred": "3 4", "answers": "4"})")), "");
  EXPECT_EQ(m_lines.back().score, 0.5);
  EXPECT_NE(errorOf(write("z.jsonl", R"({"metric": "f2", "pred": "", "answers": []})")).find("did you mean 'f1'"),
            std::string::npos);
}

TEST_F(Predictions, SkipOnlyAnIncompleteLastLine) {
  const std::string row = R"({"pred": "a b", "answers": ["b"]})";
  EXPECT_NE(score(write("qasper.jsonl", row + "\n\n" + row.substr(0, 20)))
                .find("qasper.jsonl:3: the last line is incomplete"),
            std::string::npos);
  EXPECT_EQ(m_lines.size(), 1U);
  EXPECT_NE(errorOf(write("qmsum.jsonl", row.substr(0, 20) + "\n" + row)).find("qmsum.jsonl:1: not valid JSON"),
            std::string::npos);
}

// A file without a line break, such as one whose disk block was lost, would be read as one line.
TEST_F(Predictions, OfEndlessLinesAreRefused) {
  EXPECT_NE(errorOf("/dev/zero").find("/dev/zero:1: a line of more than"), std::string::npos);
}

TEST_F(Predictions, NameTheFieldThatIsWrong) {
  const auto expect = [&](const std::string& row, const std::string& part) {
    const std::string error = errorOf(write("trec.jsonl", row));
    EXPECT_NE(error.find(part), std::string::npos) << row << ": " << error;
  };
  expect(R"({"answers": [], "all_classes": []})", "'pred'");
  expect(R"({"pred": 1, "answers": [], "all_classes": []})", "'pred'");
  expect(R"({"pred": "", "all_classes": []})", "'outputs'");
  expect(R"({"pred": "", "answers": [2], "all_classes": []})", "'answers'");
  expect(R"({"pred": "", "answers": ["x"], "all_classes": null})", "'all_classes'");
  expect("[1]", "expected a JSON object");
  expect("", "no predictions");
  expect(R"({"dataset": "passage_retrieval_en", "pred": "1", "answers": ["none"]})", "names no Paragraph N");
  EXPECT_NE(errorOf(m_folder).find("is a folder"), std::string::npos);
  EXPECT_NE(errorOf(m_folder / "gone.jsonl").find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace kvatlas::metrics
