// What commands must leave behind however they end: the fixture of the tests of faults and signals.
#pragma once

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>

#include "core/results/reader.h"
#include "tests/faults/fault_run.h"

namespace kvatlas::app_test {

inline std::string bytesOf(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Faults : public ProgrammeTest {
 protected:
  void SetUp() override { std::filesystem::create_directory(path("run")); }
  void TearDown() override { std::cout << m_tried << " faults\n"; }

  [[nodiscard]] std::string output(const std::string& name) const { return path("run/" + name); }
  void clear() const {
    std::filesystem::remove_all(path("run"));
    std::filesystem::create_directory(path("run"));
  }
  [[nodiscard]] Words written() const {
    Words names;
    for (const auto& entry : std::filesystem::directory_iterator(path("run")))
      names.push_back(entry.path().filename().string());
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
        if (std::filesystem::exists(output(names[i]))) {
          EXPECT_TRUE(bytesOf(output(names[i])) == bytes[i]) << names[i];
        } else {
          EXPECT_NE(ended.exit_code, 0) << names[i] << " is missing";
        }
      }
      // The image comes last.
      if (names.size() == 2 && std::filesystem::exists(output(names[0]))) {
        EXPECT_TRUE(std::filesystem::exists(output(names[1])));
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
    if (!std::filesystem::exists(file))
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
    if (std::filesystem::exists(trace))
      expectDone(run({"validate", trace}));
    else
      EXPECT_NE(ended.exit_code, 0);
    if (std::filesystem::exists(trace + ".part")) expectDone(run({"info", trace + ".part"}));
    std::filesystem::remove(trace);
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

}  // namespace kvatlas::app_test
