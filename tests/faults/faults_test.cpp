// However a command ends, no half-written file stands under a final name, the error is one line, and the same command
// then gives what it gives without a fault. Failed and killed calls of every kind, at counted calls.
#include <algorithm>
#include <cerrno>

#include "tests/faults/faults_fixture.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

const Words kActions{std::to_string(EIO), std::to_string(ENOSPC), "kill"};
const Words kAll{"open", "write", "sync", "resize", "rename"};

TEST_F(Faults, Export) {
  const Words words{"export", sample(), "received", "-o", output("a.csv")};
  const auto check = sameOrNothing(words, {"a.csv"});
  tryAll(words, kAll, kActions, check);
  tryAll(words, {"write"}, {"short"}, check);
  tryMemory(words, check);
}

TEST_F(Faults, Figure) {
  const Words words{"figure", "budget", sample(), "-o", output("f.svg")};
  const auto check = sameOrNothing(words, {"f.svg", "f.svg.json"});
  tryAll(words, kAll, kActions, check);
}

// An image inside, which Qt compresses.
TEST_F(Faults, FigureWithoutMemory) {
  for (const char* name : {"f.svg", "f.pdf", "f.png"}) {
    SCOPED_TRACE(name);
    const Words words{"figure", "heatmap", sample(), "-o", output(name)};
    tryMemory(words, sameOrNothing(words, {name, std::string(name) + ".json"}));
  }
}

TEST_F(Faults, Capture) {
  write("ids", idsText(40, 64));
  tryAll(captureWords(), {"open", "write", "sync", "rename"}, kActions,
         [&](const Ended& ended) { checkCapture(ended); });
}

TEST_F(Faults, CaptureWithoutThreads) {
  write("ids", idsText(40, 64));
  Words words = captureWords();
  *std::next(std::ranges::find(words, "--threads")) = "4";
  // Thread 1 waits for signals, 2 to 5 are asked for before libtorch starts its own: its pool would wait for them
  // without end.
  for (long number = 1; number <= 5; ++number) {
    SCOPED_TRACE(number);
    clear();
    const Ended ended = runWith({"thread", number, "0"}, "", words);
    ++m_tried;
    EXPECT_EQ(ended.signal, 0) << ended.err;
    if (ended.exit_code == 0)
      expectDone(run({"validate", output("t.kva.h5")}));
    else
      EXPECT_FALSE(ended.err.empty());
  }
}

TEST_F(Faults, Needle) {
  const std::string folder = output("n");
  expectDone(run(needleWords(folder)));
  const Words whole = answersOf(folder);
  const std::string settings = bytesOf(folder + "/settings.json");
  const auto check = [&](const Ended&) {
    expectDone(run(needleWords(folder)));
    EXPECT_EQ(answersOf(folder), whole);
    EXPECT_EQ(bytesOf(folder + "/settings.json"), settings);
  };
  clear();
  tryAll(needleWords(folder), kAll, kActions, check);
  tryAll(needleWords(folder), {"write"}, {"short"}, check);
}

TEST_F(Faults, Merge) {
  for (const char* shard : {"1/2", "2/2"})
    expectDone(run(needleWords(path(std::string("shard") + shard[0]), {"--shard", shard})));
  const Words words{"evaluate", "merge", path("shard1"), path("shard2"), "-o", output("m")};
  expectDone(run(words));
  const std::string results = bytesOf(output("m/results.jsonl")), settings = bytesOf(output("m/settings.json"));
  clear();
  tryAll(words, {"open", "write", "sync", "rename"}, kActions, [&](const Ended&) {
    if (fs::exists(output("m/settings.json"))) {
      EXPECT_EQ(bytesOf(output("m/results.jsonl")), results) << "settings.json says that the results are complete";
    }
    expectDone(run(words));
    EXPECT_EQ(bytesOf(output("m/results.jsonl")), results);
    EXPECT_EQ(bytesOf(output("m/settings.json")), settings);
  });
}

// The order of calls that makes what is there survive a power cut. Each file is synced under its temporary name before
// it is renamed, its folder after that.
class Durability : public Faults {
 protected:
  static void expectSyncedBeforeRename(const Calls& calls, const std::string& name) {
    const auto renamed = std::ranges::find(calls, "rename " + name);
    ASSERT_NE(renamed, calls.end()) << name;
    const auto synced = std::find(calls.begin(), renamed, "sync " + name + ".part");
    ASSERT_NE(synced, renamed) << name << " is renamed without a sync";
    const auto late = std::find(synced, renamed, "write " + name + ".part");
    EXPECT_EQ(late, renamed) << name << " is written after its sync";
    const std::string folder = fs::path(name).parent_path().string();
    EXPECT_NE(std::find(renamed, calls.end(), "sync " + folder), calls.end()) << name << ": its folder is not synced";
  }
};

TEST_F(Durability, OfATrace) {
  write("ids", idsText(40, 64));
  const Calls calls = callsOf(path("run"), captureWords(), path("log"));
  const std::string name = output("t.kva.h5");
  const auto renamed = std::ranges::find(calls, "rename " + name);
  ASSERT_NE(renamed, calls.end());
  EXPECT_EQ(*(renamed - 1), "sync " + name + ".part") << "something follows the sync";
  EXPECT_NE(std::find(renamed, calls.end(), "sync " + path("run")), calls.end());
  // Everything is created and on its way to the disk before the name that readers open.
  const auto published = std::ranges::find(calls, "rename " + name + ".part");
  ASSERT_NE(published, calls.end());
  EXPECT_NE(std::find(calls.begin(), published, "write " + name + ".part.new"), published);
}

TEST_F(Durability, OfResults) {
  const Calls calls = callsOf(path("run"), needleWords(output("n")), path("log"));
  expectSyncedBeforeRename(calls, output("n/settings.json"));
  // A case counts as done once it is on disk: one sync after each write.
  const std::string results = output("n/results.jsonl");
  long writes = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i] != "write " + results) continue;
    ++writes;
    ASSERT_LT(i + 1, calls.size());
    EXPECT_EQ(calls[i + 1], "sync " + results) << "write " << writes;
  }
  EXPECT_EQ(writes, 4) << "cases";
}

TEST_F(Durability, OfAMergedRun) {
  for (const char* shard : {"1/2", "2/2"})
    expectDone(run(needleWords(path(std::string("shard") + shard[0]), {"--shard", shard})));
  const Calls calls =
      callsOf(path("run"), {"evaluate", "merge", path("shard1"), path("shard2"), "-o", output("m")}, path("log"));
  expectSyncedBeforeRename(calls, output("m/results.jsonl"));
  expectSyncedBeforeRename(calls, output("m/settings.json"));
  EXPECT_LT(std::ranges::find(calls, "rename " + output("m/results.jsonl")),
            std::ranges::find(calls, "rename " + output("m/settings.json")));
}

TEST_F(Durability, OfTablesAndFigures) {
  expectSyncedBeforeRename(callsOf(path("run"), {"export", sample(), "received", "-o", output("a.csv")}, path("log")),
                           output("a.csv"));
  const Calls calls = callsOf(path("run"), {"figure", "budget", sample(), "-o", output("f.svg")}, path("log"));
  expectSyncedBeforeRename(calls, output("f.svg"));
  expectSyncedBeforeRename(calls, output("f.svg.json"));
  EXPECT_LT(std::ranges::find(calls, "rename " + output("f.svg.json")),
            std::ranges::find(calls, "rename " + output("f.svg")));
}

}  // namespace
}  // namespace kvatlas::app_test
