// `kvatlas heads`: the same table whatever the threads, and after kill −9 at any time.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// Eight facts in the bundled model, all of which count.
class Heads : public ProgrammeTest {
 protected:
  [[nodiscard]] Words heads(const std::string& name, Words more = {}) const {
    Words words{"heads", "--model", bundledModel().string(), "--lengths", "120,200", "--depths",
                "0,50",  "--all",   "--max-new-tokens",      "8",         "-o",      path(name)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] std::string cases(const std::string& name) const { return path(name) + ".cases"; }
  // Waits until so many facts are finished; false when the run ends before.
  [[nodiscard]] bool waitForCases(const std::string& name, std::size_t count) const {
    for (int i = 0; i < 6000; ++i) {
      if (lines(contents(cases(name))) > count) return true;
      if (std::filesystem::exists(path(name))) return false;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
};

TEST_F(Heads, OneTableWhateverTheThreads) {
  expectDone(run(heads("one.json", {"--threads", "1", "-q"})));
  expectDone(run(heads("two.json", {"--threads", "2", "-q"})));
  const std::string table = contents(path("one.json"));
  EXPECT_THAT(table, HasSubstr("\"0-0\": ["));
  EXPECT_EQ(table, contents(path("two.json")));
  EXPECT_FALSE(std::filesystem::exists(cases("one.json")));
}

TEST_F(Heads, KilledRunsGoOnToTheSameTable) {
  expectDone(run(heads("whole.json", {"-q"})));
  std::size_t before = 0;
  for (const std::size_t count : {0U, 1U, 3U}) {
    Running running(heads("killed.json", {"-q"}));
    ASSERT_TRUE(waitForCases("killed.json", count)) << count;
    running.send(SIGKILL);
    EXPECT_EQ(running.wait().signal, SIGKILL);
    const std::size_t done = lines(contents(cases("killed.json"))) - 1;
    EXPECT_GE(done, std::max(before, count)) << "finished facts are not done again";
    before = done;
  }
  // A line that the kill cut off, as a full page cache would leave it.
  std::ofstream(cases("killed.json"), std::ios::app) << R"({"right":tr)";
  const Ended ended = run(heads("killed.json", {"--json"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("\"cases_before\": " + std::to_string(before)));
  EXPECT_EQ(contents(path("killed.json")), contents(path("whole.json")));
  EXPECT_FALSE(std::filesystem::exists(cases("killed.json")));
}

// Killed while the first line was being written.
TEST_F(Heads, AnUnfinishedFirstLineIsWrittenAgain) {
  Running running(heads("cut.json", {"-q"}));
  ASSERT_TRUE(waitForCases("cut.json", 0));
  running.send(SIGKILL);
  (void)running.wait();
  const std::string header = contents(cases("cut.json")).substr(0, 40);
  for (const std::string& left : {header, std::string()}) {
    write("cut.json.cases", left);
    expectDone(run(heads("cut.json", {"-q"})));
    std::filesystem::remove(path("cut.json"));
  }
  write("cut.json.cases", "{\"score\":\"other\"}\n");
  expectRefused(run(heads("cut.json", {"-q"})), 1, {"cut.json.cases", "other settings"});
}

}  // namespace
}  // namespace kvatlas::app_test
