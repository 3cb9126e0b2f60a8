// Every metric against the scores of the published metrics.py with the packages it uses (tests/data/scores).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/metrics/datasets.h"
#include "core/metrics/metrics.h"
#include "core/metrics/predictions.h"
#include "core/metrics/rouge_l.h"
#include "core/metrics/segmenter.h"

namespace kvatlas::metrics {
namespace {

const std::filesystem::path kData = std::filesystem::path(KVATLAS_TEST_DATA) / "scores";

TEST(Metrics, GiveThePublishedScores) {
  std::map<std::string, int> counts;
  const std::string warning = scorePredictions(kData / "metrics.jsonl", [&](const ScoredLine& line) {
    ++counts[line.dataset];
    EXPECT_NEAR(line.score, line.row.at("expected").get<double>(), 1e-9) << line.row.dump();
  });
  EXPECT_EQ(warning, "");
  EXPECT_EQ(counts.size(), 12U);
  for (const auto& [dataset, count] : counts) EXPECT_GT(count, 60) << dataset;
}

TEST(Segmenter, CutsLikeJieba) {
  std::ifstream in(kData / "words.jsonl");
  int texts = 0;
  for (std::string line; std::getline(in, line); ++texts) {
    const auto golden = nlohmann::json::parse(line);
    const auto text = golden.at("text").get<std::string>();
    const auto words = jieba().cut(text);
    EXPECT_EQ(std::vector<std::string>(words.begin(), words.end()), golden.at("words").get<std::vector<std::string>>())
        << text;
  }
  EXPECT_EQ(texts, 800);
}

TEST(Segmenter, NamesAFolderThatIsNotJiebas) {
  try {
    const Segmenter segmenter{std::filesystem::path(KVATLAS_TEST_DATA)};
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("finalseg/prob_start.py"), std::string::npos) << error.what();
  }
}

TEST(RougeL, RefusesSentencesThatWouldNeedGigabytes) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "word ";
  EXPECT_THROW((void)rougeL(text, text), Error);
}

// Both compare every piece of one text with every piece of the other.
TEST(Metrics, RefuseTextsThatTakeTooLong) {
  const auto complaint = [](std::string_view metric, const std::string& text) {
    const std::vector<std::string> answers{"x " + text};
    try {
      return std::to_string(findMetric(metric).score(text, {answers, {}}));
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += std::to_string(i) + " ";
  EXPECT_EQ(complaint("rouge_l", words), "ROUGE-L: sentences of 20001 and 20000 words are too long to compare");
  const std::string line = words.substr(0, 70'000);
  EXPECT_EQ(complaint("code_sim", line),
            "edit similarity: texts of 70000 and 70002 characters are too long to compare");
  EXPECT_EQ(complaint("code_sim_levenshtein", line), complaint("code_sim", line));
}

TEST(Datasets, AreThePublishedOnes) {
  EXPECT_EQ(longBench().size(), 21U);
  EXPECT_EQ(ruler().size(), 13U);
  std::size_t extended = 0;
  for (const auto& table : {longBench(), ruler()})
    for (const Dataset& dataset : table) {
      EXPECT_EQ(findMetric(dataset.metric).name, dataset.metric) << dataset.name;
      EXPECT_EQ(findDataset(dataset.name), &dataset);
      if (dataset.extended) ++extended;
    }
  EXPECT_EQ(extended, 13U);
  EXPECT_EQ(findDataset("hotpotqa_e"), findDataset("hotpotqa"));
  EXPECT_EQ(findDataset("my own"), nullptr);
}

}  // namespace
}  // namespace kvatlas::metrics
