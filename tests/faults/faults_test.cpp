// However a command ends, no half-written file stands under a final name, the error is one line, and the same command
// then gives what it gives without a fault. Failed and killed calls of every kind, at counted calls.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>

#include "core/results/reader.h"
#include "tests/faults/fault_run.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

const Words kActions{std::to_string(EIO), std::to_string(ENOSPC), "kill"};

std::string bytesOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Faults : public ProgrammeTest {
 protected:
  void SetUp() override { fs::create_directory(path("run")); }
  void TearDown() override { std::cout << m_tried << " faults\n"; }

  [[nodiscard]] std::string output(const std::string& name) const { return path("run/" + name); }
  void clear() const {
    fs::remove_all(path("run"));
    fs::create_directory(path("run"));
  }
  [[nodiscard]] Words written() const {
    Words names;
    for (const auto& entry : fs::directory_iterator(path("run"))) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  // After a fault: exit 0, or one error line; never a signal that the fault did not send.
  static void expectOrderlyEnd(const Ended& ended, const Fault& fault) {
    if (fault.action == "kill" && ended.signal == SIGKILL) return;
    EXPECT_EQ(ended.signal, 0) << ended.err;
    if (ended.exit_code == 0) return;
    EXPECT_EQ(ended.exit_code, 1) << ended.err;
    EXPECT_EQ(ended.errorLines().size(), 1U) << ended.err;
    EXPECT_EQ(ended.errorLines().empty() ? "" : ended.errorLines().front(), ended.lastLine());
  }

  // Every fault of these kinds; check(ended) looks at what is there, in the folder that the next fault finds empty.
  template <class Check>
  void tryAll(const Words& words, const Words& kinds, const Words& actions, const Check& check) {
    const Calls calls = callsOf(path("run"), words, path("log"));
    for (const std::string& kind : kinds) {
      const long count = countOf(calls, kind);
      EXPECT_GT(count, 0) << kind;
      for (const std::string& action : actions)
        for (const long number : chosen(count)) {
          const Fault fault{kind, number, action};
          SCOPED_TRACE(kind + " " + std::to_string(number) + " of " + std::to_string(count) + ", " + action);
          clear();
          const Ended ended = runWith(fault, path("run"), words);
          ++m_tried;
          expectOrderlyEnd(ended, fault);
          check(ended);
        }
    }
  }

  // Memory that cannot be had, at growing distances from the start.
  template <class Check>
  void tryMemory(const Words& words, const Check& check) {
    for (long number = 2; number < 3000; number += 1 + number / 2) {  // 1: before main()
      SCOPED_TRACE(number);
      clear();
      const Ended ended = runWith({"memory", number, std::to_string(ENOMEM)}, "", words);
      ++m_tried;
      EXPECT_EQ(ended.signal, 0) << ended.err;
      if (ended.exit_code != 0) {
        EXPECT_FALSE(ended.errorLines().empty()) << ended.err;
      }
      check(ended);
    }
  }

  // Complete files of `names` with the bytes they have without a fault, or none of them; nothing else.
  auto sameOrNothing(const Words& words, const Words& names) {
    clear();
    expectDone(run(words));
    std::vector<std::string> bytes;
    for (const std::string& name : names) bytes.push_back(bytesOf(output(name)));
    EXPECT_EQ(written(), names);
    return [this, words, names, bytes](const Ended& ended) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (fs::exists(output(names[i]))) {
          EXPECT_TRUE(bytesOf(output(names[i])) == bytes[i]) << names[i];
        } else {
          EXPECT_NE(ended.exit_code, 0) << names[i] << " is missing";
        }
      }
      // The image comes last.
      if (names.size() == 2 && fs::exists(output(names[0]))) {
        EXPECT_TRUE(fs::exists(output(names[1])));
      }
      if (ended.signal == 0) {
        for (const std::string& name : written()) EXPECT_FALSE(name.ends_with(".part")) << name;
      }
      expectDone(run(words));
      for (std::size_t i = 0; i < names.size(); ++i) EXPECT_TRUE(bytesOf(output(names[i])) == bytes[i]) << names[i];
    };
  }

  [[nodiscard]] std::string sample() const {
    const std::string file = path("sample.kva.h5");
    if (!fs::exists(file))
      expectDone(run({"bench", "make-trace", "--tokens", "64", "--layers", "2", "--heads", "4", "--kv-heads", "2",
                      "--map-size", "32", "--method", "snapkv", "--budget", "32", "-q", "-o", file}));
    return file;
  }
  [[nodiscard]] Words captureWords() const {
    return {"capture",
            "--model",
            smallModel().string(),
            "--ids",
            path("ids"),
            "--method",
            "snapkv",
            "--budget",
            "12",
            "--max-new-tokens",
            "2",
            "--threads",
            "1",
            "--map-size",
            "32",
            "--window",
            "4",
            "--keep-qk",
            "-o",
            output("t.kva.h5")};
  }
  [[nodiscard]] Words needleWords(const std::string& folder, const Words& more = {}) const {
    Words words{"evaluate",  "needle",    "--model",  bundledModel().string(),
                "--lengths", "80",        "--depths", "0,100",
                "--trials",  "2",         "--method", "snapkv",
                "--budget",  "24",        "-q",       "--max-new-tokens",
                "2",         "--threads", "1",        "-o",
                folder};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // Whatever was flushed opens; a finished trace is valid; the same command then captures.
  void checkCapture(const Ended& ended) {
    const std::string trace = output("t.kva.h5");
    if (fs::exists(trace))
      expectDone(run({"validate", trace}));
    else
      EXPECT_NE(ended.exit_code, 0);
    if (fs::exists(trace + ".part")) expectDone(run({"info", trace + ".part"}));
    fs::remove(trace);
    expectDone(run(captureWords()));
    EXPECT_EQ(written(), Words{"t.kva.h5"});
  }
  static Words answersOf(const std::string& folder) {
    Words lines;
    const results::ResultsReader reader(folder);  // outlives the loop
    for (const results::Record& record : reader.records())
      lines.push_back(record.case_id + record.label + record.budget + record.answer);
    return lines;
  }

  long m_tried = 0;
};

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

// SIGTERM after any call.
class Signals : public Faults {
 protected:
  // check(ended) looks at what is there; prepare() comes before each run.
  template <class Prepare, class Check>
  void trySignals(const Words& words, const Prepare& prepare, const Check& check) {
    const Calls calls = callsOf(path("run"), words, path("log"));
    for (const std::string kind : {"open", "write", "sync", "rename"})
      for (const long number : chosen(countOf(calls, kind))) {
        SCOPED_TRACE(kind + " " + std::to_string(number));
        clear();
        prepare();
        const Ended ended = runWith({kind, number, "term"}, path("run"), words);
        ++m_tried;
        EXPECT_EQ(ended.signal, 0);
        if (ended.exit_code != 0) {  // the work may have been done
          EXPECT_EQ(ended.exit_code, 130) << ended.err;
        }
        check(ended);
      }
  }

  void expectNoTemporaryFiles() const {
    for (const auto& entry : fs::recursive_directory_iterator(path("run")))
      EXPECT_NE(entry.path().extension(), ".part") << entry.path();
  }

  // Each file that stood there is the old one or the whole new one, nothing else is left, and the error line does not
  // say that nothing was written when something was.
  void tryFiles(const Words& words, const Words& names) {
    expectDone(run(words));
    Words whole;
    for (const std::string& name : names) whole.push_back(bytesOf(output(name)));
    const auto old_files = [&] {
      for (const std::string& name : names) write("run/" + name, "old");
    };
    trySignals(words, old_files, [&](const Ended& ended) {
      EXPECT_EQ(ended.exit_code, 130) << ended.err;
      EXPECT_EQ(written(), names);
      bool any = false;
      for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string bytes = bytesOf(output(names[i]));
        EXPECT_TRUE(bytes == "old" || bytes == whole[i]) << names[i];
        any = any || bytes != "old";
      }
      EXPECT_EQ(ended.err.find("nothing was written") == std::string::npos, any) << ended.err;
    });
  }
};

TEST_F(Signals, Export) {
  tryFiles({"export", sample(), "received", "-o", output("a.csv")}, {"a.csv"});
}

TEST_F(Signals, Figure) {
  tryFiles({"figure", "budget", sample(), "-o", output("f.svg")}, {"f.svg", "f.svg.json"});
}

TEST_F(Signals, Needle) {
  const Words words = needleWords(output("n"));
  expectDone(run(words));
  const Words whole = answersOf(output("n"));
  const std::string settings = bytesOf(output("n/settings.json"));
  trySignals(
      words, [] {},
      [&](const Ended&) {
        expectNoTemporaryFiles();
        expectDone(run(words));
        EXPECT_EQ(answersOf(output("n")), whole);
        EXPECT_EQ(bytesOf(output("n/settings.json")), settings);
      });
}

TEST_F(Signals, Merge) {
  for (const char* shard : {"1/2", "2/2"})
    expectDone(run(needleWords(path(std::string("shard") + shard[0]), {"--shard", shard})));
  const Words words{"evaluate", "merge", path("shard1"), path("shard2"), "-o", output("m")};
  expectDone(run(words));
  const std::string results = bytesOf(output("m/results.jsonl"));
  trySignals(
      words, [] {},
      [&](const Ended&) {
        expectNoTemporaryFiles();
        expectDone(run(words));
        EXPECT_EQ(bytesOf(output("m/results.jsonl")), results);
      });
}

TEST_F(Signals, Capture) {
  write("ids", idsText(40, 64));
  trySignals(
      captureWords(), [] {},
      [&](const Ended& ended) {
        EXPECT_EQ(ended.exit_code == 0, fs::exists(output("t.kva.h5"))) << ended.err;
        checkCapture(ended);
      });
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
