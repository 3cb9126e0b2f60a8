// Merged shards equal the file of an undivided run; mismatched shards are refused by name and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/results/merge.h"
#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using namespace test;  // NOLINT: the fixture of this folder
using testing::AllOf;
using testing::HasSubstr;

class Merge : public testing::Test {
 protected:
  fs::path shard(std::uint32_t index, std::uint32_t count, std::size_t most = 1000,
                 const nlohmann::json& values = sampleValues()) const {
    const fs::path folder = m_scratch / fmt::format("shard {} of {}", index, count);
    writeCases(folder, Settings(values, {index, count}), most);
    return folder;
  }
  [[nodiscard]] std::string refusal(const std::vector<fs::path>& folders) const {
    const std::string message = complaint([&] { mergeResults(folders, output()); });
    EXPECT_FALSE(fs::exists(output() / kResultsFile)) << message;
    EXPECT_FALSE(fs::exists(output() / kSettingsFile)) << message;
    EXPECT_FALSE(fs::exists(output() / "results.jsonl.part")) << message;
    return message;
  }
  [[nodiscard]] fs::path output() const { return m_scratch / "merged"; }
  ScratchFolder m_scratch;
};

TEST_F(Merge, EqualsTheFilesOfAnUndividedRun) {
  const fs::path whole = m_scratch / "whole";
  writeCases(whole, Settings(sampleValues()));
  const std::vector<fs::path> shards{shard(5, 5), shard(2, 5), shard(1, 5), shard(4, 5), shard(3, 5)};
  mergeResults(shards, output());
  EXPECT_EQ(bytesOf(output() / kResultsFile), bytesOf(whole / kResultsFile));
  EXPECT_EQ(bytesOf(output() / kSettingsFile), bytesOf(whole / kSettingsFile));
  EXPECT_EQ(ResultsReader(output()).casesDone(), 24u);
}

TEST_F(Merge, AcceptsMoreShardsThanCases) {
  std::vector<fs::path> shards;
  for (std::uint32_t i = 1; i <= 26; ++i) shards.push_back(shard(i, 26));
  mergeResults(shards, output());
  EXPECT_EQ(ResultsReader(output()).casesDone(), 24u);
}

TEST_F(Merge, MismatchedShardsAreNamed) {
  nlohmann::json other = sampleValues();
  other["seed"] = 9;
  const fs::path first = shard(1, 3), second = shard(2, 3), third = shard(3, 3);
  const fs::path foreign = m_scratch / "foreign", half = m_scratch / "half";
  writeCases(foreign, Settings(other, {3, 3}));
  writeCases(half, Settings(sampleValues(), {2, 2}));
  EXPECT_THAT(refusal({first, second, foreign}),
              AllOf(HasSubstr("shard 1 of 3"), HasSubstr("foreign"), HasSubstr("'seed' is 0 in one, 9 in the other")));
  EXPECT_THAT(refusal({first, third}), HasSubstr("shard 2 of 3 is missing"));
  EXPECT_THAT(refusal({third}), HasSubstr("shard 1, 2 of 3 are missing"));
  EXPECT_THAT(refusal({first, second, third, second}), AllOf(HasSubstr("both shard 2 of 3")));
  EXPECT_THAT(refusal({first, half}), AllOf(HasSubstr("one of 3 shards"), HasSubstr("one of 2")));
  EXPECT_THAT(refusal({}), HasSubstr("no folder"));
  EXPECT_THAT(refusal({first, m_scratch / "nowhere"}), HasSubstr("nowhere"));
}

TEST_F(Merge, UnfinishedAndDamagedShardsAreNamed) {
  const fs::path first = shard(1, 2), second = shard(2, 2, 5);
  EXPECT_THAT(refusal({first, second}),
              AllOf(HasSubstr("shard 2 of 2"), HasSubstr("unfinished"), HasSubstr("5 of 12 cases")));
  writeCases(second, Settings(sampleValues(), {2, 2}));
  const std::string whole = bytesOf(second / kResultsFile);
  put(second / kResultsFile, whole + whole.substr(0, whole.find('\n') + 1));
  EXPECT_THAT(refusal({first, second}), AllOf(HasSubstr("shard 2 of 2/results.jsonl:37"), HasSubstr("12 cases")));
}

TEST_F(Merge, NeverOverwritesAnything) {
  const std::vector<fs::path> shards{shard(1, 2), shard(2, 2)};
  fs::create_directories(output());
  put(output() / "diary.txt", "mine");
  EXPECT_THAT(refusal(shards), HasSubstr("diary.txt"));
  EXPECT_THAT(complaint([&] { mergeResults(shards, shards[0]); }), HasSubstr("not empty"));
  EXPECT_THAT(complaint([&] { mergeResults(shards, output() / "diary.txt"); }), HasSubstr("is a file"));
  fs::remove(output() / "diary.txt");
  put(output() / "results.jsonl.part", "of a merge that was killed");
  mergeResults(shards, output());
  EXPECT_EQ(ResultsReader(output()).casesDone(), 24u);
}

}  // namespace
}  // namespace kvatlas::results
