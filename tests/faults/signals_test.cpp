// SIGTERM at counted calls: what is there afterwards is old or whole, and nothing temporary stays.
#include <algorithm>

#include "tests/faults/faults_fixture.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

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

}  // namespace
}  // namespace kvatlas::app_test
