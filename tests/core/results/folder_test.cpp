// Folders of results: written case by case, resumed after any cut, never by two writers, never in another run's folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using namespace test;  // NOLINT: the fixture of this folder
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Folder : public testing::Test {
 protected:
  [[nodiscard]] fs::path results() const { return m_scratch / "results"; }
  [[nodiscard]] fs::path lines() const { return results() / kResultsFile; }
  [[nodiscard]] std::string readComplaint() const {
    return complaint([&] { const ResultsReader reader(results()); });
  }
  [[nodiscard]] std::string writeComplaint(const Settings& settings) const {
    return complaint([&] { const ResultsWriter writer(results(), settings); });
  }
  ScratchFolder m_scratch;
  Settings m_settings{sampleValues()};
};

TEST_F(Folder, CasesFollowThePlan) {
  const std::vector<Case> cases = m_settings.allCases();
  ASSERT_THAT(cases, SizeIs(2 * 3 * 2 * 2));
  EXPECT_EQ(cases.front().id, "L128-D0-number-t0");
  EXPECT_EQ(cases[1].id, "L128-D0-number-t1");
  EXPECT_EQ(cases[2].id, "L128-D0-words-t0");
  EXPECT_EQ(cases[4].id, "L128-D37.5-number-t0");
  EXPECT_EQ(cases.back().id, "L256-D100-words-t1");
}

TEST_F(Folder, ShardsPartitionTheCases) {
  std::vector<std::string> ids(24);
  for (std::uint32_t index = 1; index <= 5; ++index) {
    const std::vector<Case> cases = Settings(sampleValues(), {index, 5}).cases();
    for (std::size_t i = 0; i < cases.size(); ++i) ids.at(i * 5 + index - 1) = cases[i].id;
  }
  const std::vector<Case> all = m_settings.allCases();
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(ids[i], all[i].id);
}

TEST_F(Folder, SurvivesTheRoundTrip) {
  writeCases(results(), m_settings);
  const ResultsReader reader(results());
  EXPECT_EQ(reader.settings().values(), m_settings.values());
  EXPECT_EQ(reader.settings().sha256(), m_settings.sha256());
  EXPECT_THAT(reader.warnings(), IsEmpty());
  std::vector<Record> expected;
  for (const Case& one : m_settings.allCases())
    for (Record& record : recordsOf(m_settings, one)) expected.push_back(std::move(record));
  EXPECT_EQ(reader.records(), expected);
  EXPECT_EQ(reader.find("L256-D37.5-words-t0").size(), 3u);
  EXPECT_EQ(reader.find("L256-D37.5-words-t0")[1].label, "snapkv");
  EXPECT_THAT(complaint([&] { (void)reader.find("L128-D0-number-t"); }), HasSubstr("L128-D0-number-t0"));
}

// Written by KVAtlas before records had facets: the same keys in the same order, the same hash.
TEST_F(Folder, AnOlderFolderIsReadAndReprintedUnchanged) {
  const fs::path old = fs::path(KVATLAS_TEST_DATA) / "needle/old_run";
  const ResultsReader reader(old);
  EXPECT_THAT(reader.warnings(), IsEmpty());
  EXPECT_EQ(reader.settings().print(), bytesOf(old / kSettingsFile));
  std::string lines;
  for (const Record& record : reader.records()) lines += printRecord(record) + "\n";
  EXPECT_EQ(lines, bytesOf(old / kResultsFile));
  EXPECT_EQ(reader.find("L160-D50-words-t0")[1].facets,
            (Facets{{"length", std::uint64_t{160}}, {"depth", 50.0}, {"kind", "words"}, {"trial", std::uint64_t{0}}}));
}

TEST_F(Folder, TheHashIsOfTheSettingsAndNotOfTheShard) {
  nlohmann::json other = sampleValues();
  EXPECT_EQ(Settings(other, {2, 3}).sha256(), m_settings.sha256());
  other["seed"] = 1;
  EXPECT_NE(Settings(other).sha256(), m_settings.sha256());
  // sha256sum of the canonical text, computed externally.
  const nlohmann::json smallest = {{"lengths", {8}},
                                   {"depths", {50}},
                                   {"kinds", {"number"}},
                                   {"trials", 1},
                                   {"branches", {{{"method", "full"}, {"label", "full"}, {"budget", "full"}}}}};
  EXPECT_EQ(Settings(smallest).sha256(), "3766d417c56b6a04111fc4d9d9013288199193cc7fc2c02c6d90609b71e38a21");
}

// Whatever byte a kill hits, the next run ends with the file of an undisturbed one.
TEST_F(Folder, TruncatedAnywhereAndResumedGivesTheSameFile) {
  writeCases(results(), m_settings);
  const std::string whole = bytesOf(lines());
  std::vector<std::size_t> cuts{0, 1, whole.size() - 1, whole.size()};
  for (std::size_t at = 7; at < whole.size(); at += 251) cuts.push_back(at);
  for (std::size_t at = whole.find('\n'); at != std::string::npos && cuts.size() < 120; at = whole.find('\n', at + 1)) {
    cuts.push_back(at);
    cuts.push_back(at + 1);
  }
  for (const std::size_t cut : cuts) {
    put(lines(), whole.substr(0, cut));
    {
      const ResultsReader reader(results());
      EXPECT_EQ(reader.records().size() % 3, 0u);
      EXPECT_EQ(reader.warnings().empty(), cut == whole.size()) << cut;
    }
    writeCases(results(), m_settings);
    ASSERT_EQ(bytesOf(lines()), whole) << "cut after " << cut << " bytes";
  }
}

TEST_F(Folder, ATornEndIsReported) {
  writeCases(results(), m_settings, 2);
  const std::string whole = bytesOf(lines());
  put(lines(), whole.substr(0, whole.size() - 5));
  EXPECT_THAT(ResultsReader(results()).warnings(),
              ElementsAre(AllOf(HasSubstr("results.jsonl:6"), HasSubstr("incomplete")), HasSubstr("1 of 24 cases")));
  put(lines(), whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1));
  EXPECT_THAT(ResultsReader(results()).warnings(),
              ElementsAre(AllOf(HasSubstr("L128-D0-number-t1"), HasSubstr("2 of 3")), HasSubstr("1 of 24 cases")));
  put(lines(), whole + std::string(4096, '\0'));  // what a power failure may leave
  EXPECT_EQ(ResultsWriter(results(), m_settings).casesDone(), 2u);
  EXPECT_EQ(bytesOf(lines()), whole);
}

TEST_F(Folder, AStoppedRunWithoutACaseIsEmptyAndValid) {
  { const ResultsWriter writer(results(), m_settings); }
  fs::remove(lines());
  const ResultsReader reader(results());
  EXPECT_THAT(reader.records(), IsEmpty());
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("0 of 24")));
}

TEST_F(Folder, DamageBeforeTheEndIsNamedAndNothingIsLost) {
  writeCases(results(), m_settings, 3);
  const std::string whole = bytesOf(lines());
  std::string damaged = whole;
  damaged.replace(damaged.find("\"score\":"), 8, "\"scare\":");
  put(lines(), damaged);
  EXPECT_THAT(readComplaint(), AllOf(HasSubstr("results.jsonl:1"), HasSubstr("'score'")));
  EXPECT_THAT(writeComplaint(m_settings), HasSubstr("results.jsonl:1"));
  EXPECT_EQ(bytesOf(lines()), damaged);
  const std::size_t second = whole.find('\n') + 1;
  put(lines(), whole.substr(second));  // a missing line
  EXPECT_THAT(readComplaint(), AllOf(HasSubstr("results.jsonl:1"), HasSubstr("branch full@full"), HasSubstr("snapkv")));
  put(lines(), whole + whole);  // every case twice
  EXPECT_THAT(readComplaint(), AllOf(HasSubstr("results.jsonl:10"), HasSubstr("L128-D0-words-t1")));
  put(lines(), whole.substr(0, second) + "\n" + whole.substr(second));
  EXPECT_THAT(readComplaint(), HasSubstr("results.jsonl:2"));
  put(lines(), std::string(3 << 20, 'x'));
  EXPECT_THAT(readComplaint(), AllOf(HasSubstr("results.jsonl:1"), HasSubstr("more than 1048576 bytes")));
}

TEST_F(Folder, LinesBeyondThePlanAreRefused) {
  writeCases(results(), m_settings);
  const std::string whole = bytesOf(lines());
  put(lines(), whole + whole.substr(0, whole.find('\n') + 1));
  EXPECT_THAT(readComplaint(), AllOf(HasSubstr("results.jsonl:73"), HasSubstr("24 cases")));
}

TEST_F(Folder, OtherSettingsAndShardsAreRefused) {
  writeCases(results(), m_settings, 2);
  const std::string before = bytesOf(lines());
  nlohmann::json other = sampleValues();
  other["trials"] = 3;
  EXPECT_THAT(writeComplaint(Settings(other)), AllOf(HasSubstr("'trials' is 2 in one, 3 in the other")));
  EXPECT_THAT(writeComplaint(Settings(sampleValues(), {1, 2})), AllOf(HasSubstr("shard 1 of 1"), HasSubstr("1 of 2")));
  EXPECT_EQ(bytesOf(lines()), before);
}

TEST_F(Folder, OtherFoldersAndFilesAreRefused) {
  EXPECT_THAT(readComplaint(), HasSubstr("no such folder"));
  fs::create_directories(results());
  put(results() / "diary.txt", "mine");
  EXPECT_THAT(readComplaint(), HasSubstr("no settings.json"));
  EXPECT_THAT(writeComplaint(m_settings), HasSubstr("not empty"));
  EXPECT_THAT(complaint([&] { const ResultsReader reader(results() / "diary.txt"); }), HasSubstr("folder"));
  EXPECT_THAT(complaint([&] { const ResultsWriter writer(results() / "diary.txt", m_settings); }), HasSubstr("folder"));
  EXPECT_EQ(bytesOf(results() / "diary.txt"), "mine");
  EXPECT_FALSE(fs::exists(results() / kLockFile));
}

TEST_F(Folder, EditedSettingsAreDetected) {
  writeCases(results(), m_settings, 1);
  const fs::path path = results() / kSettingsFile;
  const std::string text = bytesOf(path);
  const auto replaced = [&](const std::string& before, const std::string& now) {
    std::string changed = text;
    changed.replace(changed.find(before), before.size(), now);
    put(path, changed);
    return readComplaint();
  };
  EXPECT_THAT(replaced("\"seed\": 0", "\"seed\": 7"), AllOf(HasSubstr("settings.json"), HasSubstr("sha256")));
  EXPECT_THAT(replaced("\"trials\": 2", "\"trials\": 0"), HasSubstr("field 'trials'"));
  EXPECT_THAT(replaced("\"trials\": 2", "\"trials\": 900000"), HasSubstr("cases"));
  EXPECT_THAT(replaced("\"index\": 1", "\"index\": 2"), HasSubstr("field 'shard.index'"));
  EXPECT_THAT(replaced("\"format_version\": 1", "\"format_version\": 2"), HasSubstr("version 2"));
  EXPECT_THAT(replaced("kvatlas-needle", "kvatlas-noodle"), HasSubstr("field 'format'"));
  EXPECT_THAT(replaced("\"method\": \"full\"", "\"method\": \"fool\""), HasSubstr("branches"));
  put(path, "{}");
  EXPECT_THAT(readComplaint(), HasSubstr("settings.json"));
  put(path, std::string(1 << 20, '['));
  EXPECT_THAT(readComplaint(), HasSubstr("nested"));
  put(path, std::string(17 << 20, ' '));
  EXPECT_THAT(readComplaint(), HasSubstr("larger"));
}

TEST_F(Folder, HasOneWriterAtATime) {
  const ResultsWriter writer(results(), m_settings);
  EXPECT_THAT(writeComplaint(m_settings), HasSubstr("another run is writing"));
  EXPECT_EQ(ResultsReader(results()).casesPlanned(), 24u) << "readers need no lock";
}

TEST_F(Folder, AKilledWriterReleasesTheLock) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ResultsWriter writer(results(), m_settings);
    writer.append(recordsOf(m_settings, writer.remaining().front()));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(ResultsWriter(results(), m_settings).casesDone(), 1u);
}

TEST_F(Folder, OnlyTheNextCaseIsAccepted) {
  ResultsWriter writer(results(), m_settings);
  const std::vector<Case> cases = m_settings.allCases();
  EXPECT_THAT(complaint([&] { writer.append(recordsOf(m_settings, cases[1])); }), HasSubstr("L128-D0-number-t0"));
  std::vector<Record> records = recordsOf(m_settings, cases[0]);
  records.pop_back();
  EXPECT_THAT(complaint([&] { writer.append(records); }), HasSubstr("2 records for 3 branches"));
  records = recordsOf(m_settings, cases[0]);
  std::swap(records[1], records[2]);
  EXPECT_THAT(complaint([&] { writer.append(records); }), HasSubstr("expected snapkv@32"));
  records = recordsOf(m_settings, cases[0]);
  records[1].score = 2;
  EXPECT_THAT(complaint([&] { writer.append(records); }), HasSubstr("'score'"));
  EXPECT_EQ(bytesOf(lines()), "");
  writer.append(recordsOf(m_settings, cases[0]));
  EXPECT_EQ(writer.remaining().front().id, cases[1].id);
}

// A full disk, simulated by a file-size limit: the previous case stays complete and the run can resume.
TEST_F(Folder, AFullDiskKeepsEarlierCases) {
  writeCases(results(), m_settings, 2);
  const std::string before = bytesOf(lines());
  ResultsWriter writer(results(), m_settings);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{}, tight{};
  getrlimit(RLIMIT_FSIZE, &old);
  tight = old;
  tight.rlim_cur = before.size() + 700;  // one and a half lines
  setrlimit(RLIMIT_FSIZE, &tight);
  const std::string message = complaint([&] { writer.append(recordsOf(m_settings, writer.remaining().front())); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, previous);
  EXPECT_THAT(message, AllOf(HasSubstr("results.jsonl"), HasSubstr("large")));
  EXPECT_EQ(bytesOf(lines()), before);
  writer.append(recordsOf(m_settings, writer.remaining().front()));
  EXPECT_EQ(ResultsReader(results()).casesDone(), 3u);
}

TEST_F(Folder, SettingsOfAnySourceAreTheSame) {
  nlohmann::json values = sampleValues();
  values["depths"] = std::vector<double>{0, 37.5, 100};  // printed as 0.0: a different text
  values["note"] = "half a letter \xC3";
  const Settings first(values);
  { const ResultsWriter writer(results(), first); }
  EXPECT_EQ(readSettings(results()).sha256(), first.sha256());
  { const ResultsWriter again(results(), Settings(values)); }
}

}  // namespace
}  // namespace kvatlas::results
