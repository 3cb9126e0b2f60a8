// Surroundings that are not as usual: streams that cannot be written, signals, limits, hostile text, files that change
// while they are read.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

class Robust : public ProgrammeTest {
 protected:
  [[nodiscard]] Words small(const std::string& output) const {
    return {"capture",
            "--model",
            bundledModel().string(),
            "--text",
            "The secret number of Marlow is 48213.",
            "--method",
            "snapkv",
            "--budget",
            "12",
            "--max-new-tokens",
            "3",
            "-o",
            output};
  }
  // A trace whose export takes a second.
  [[nodiscard]] std::string large() const {
    const std::string file = path("large.kva.h5");
    if (!fs::exists(file))
      expectDone(run({"bench", "make-trace", "--tokens", "4000", "--layers", "16", "--heads", "16", "--kv-heads", "16",
                      "--map-size", "0", "-q", "-o", file}));
    return file;
  }
};

// A full log disk, or `2>&1 | head -1`: the work goes on.
TEST_F(Robust, MessagesThatCannotBeWrittenStopNothing) {
  expectDone(run(small(path("a.kva.h5")), {.error_file = "/dev/full"}));
  expectDone(run({"validate", path("a.kva.h5")}));
  expectDone(run(small(path("b.kva.h5")), {.closed_error = true}));
  expectDone(run({"validate", path("b.kva.h5")}));
  EXPECT_EQ(run({"info", path("none")}, {.error_file = "/dev/full"}).exit_code, 1);
}

// With stdout and stderr closed, the first files a program opens would get their numbers.
TEST_F(Robust, ClosedStreamsDoNotWriteIntoFiles) {
  const Words words{"evaluate",         "needle", "--model",   bundledModel().string(),
                    "--lengths",        "128",    "--depths",  "0,100",
                    "--trials",         "1",      "--method",  "snapkv",
                    "--budget",         "32",     "-o",        path("n"),
                    "--max-new-tokens", "2",      "--threads", "1"};
  EXPECT_EQ(run(words, {.no_streams = true}).signal, 0);
  std::ifstream lines(path("n/results.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_TRUE(line.starts_with('{')) << line;
  EXPECT_EQ(count, 4);
  expectDone(run(words));
}

TEST_F(Robust, ALimitOnFileSizesIsAnError) {
  const Ended ended =
      run({"export", large(), "kept", "-o", path("a.csv")}, {.largest_file = 8192, .file_size_signal = true});
  expectRefused(ended, 1, {"a.csv", "File too large"});
  EXPECT_EQ(names(), Words{"large.kva.h5"});
}

TEST_F(Robust, SignalsEndAnExportWithoutATrace) {
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
    SCOPED_TRACE(signal);
    Running running({"export", large(), "kept", "-o", path("a.csv")});
    while (!fs::exists(path("a.csv.part"))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    running.send(signal);
    expectRefused(running.wait(), 130, {"stopped"});
    EXPECT_EQ(names(), Words{"large.kva.h5"});
  }
  Running running({"export", large(), "kept", "-o", path("a.csv")}, {.hangup_ignored = true});
  while (!fs::exists(path("a.csv.part"))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  running.send(SIGHUP);
  expectDone(running.wait());
}

TEST_F(Robust, TwoExportsOfOneNameDoNotMix) {
  Running first({"export", large(), "kept", "-o", path("a.csv")});
  while (!fs::exists(path("a.csv.part"))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  expectRefused(run({"export", large(), "runs", "-o", path("a.csv")}), 1, {"a.csv", "another process is writing"});
  expectDone(first.wait());
  EXPECT_EQ(names(), (Words{"a.csv", "large.kva.h5"}));
}

// Neither the link's target nor a pipe under the temporary name is touched.
TEST_F(Robust, ALinkOrPipeUnderTheTemporaryNameIsRefused) {
  write("victim", "precious");
  fs::create_symlink(path("victim"), path("a.csv.part"));
  ASSERT_EQ(::mkfifo(path("b.csv.part").c_str(), 0666), 0);
  for (const char* name : {"a.csv", "b.csv"})
    expectRefused(run({"export", large(), "runs", "-o", path(name)}), 1, {name, "in the way"});
  EXPECT_EQ(fs::file_size(path("victim")), 8U);
}

TEST_F(Robust, WeightsThatBecomeShorterAreOneErrorLine) {
  fs::copy(bundledModel(), path("model"));
  // Cut right after the header was read and mapped: the first layer to be loaded is gone.
  Running running({"capture", "--model", path("model"), "--text", "Marlow", "--dtype", "bf16", "--max-new-tokens",
                   "200", "--threads", "1", "-o", path("a.kva.h5")});
  if (!running.waitForError("loading")) FAIL() << "it ended before";
  fs::resize_file(path("model/model.safetensors"), 100);
  const Ended ended = running.wait();
  EXPECT_EQ(ended.signal, 0) << "SIGBUS";
  if (ended.exit_code != 0) expectRefused(ended, 1, {"model.safetensors", "while it was being read"});
}

TEST_F(Robust, DeepJsonIsRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  fs::create_directory(path("model"));
  write("model/config.json", deep);
  expectRefused(run({"capture", "--model", path("model"), "--ids", write("ids", "1 2"), "-o", path("a.kva.h5")}), 1,
                {"config.json", "nested deeper"});
  // Standard input of these commands comes from a file through the shell in practice; here a deep line in a results
  // folder does the same.
  fs::create_directory(path("results"));
  write("results/settings.json", deep);
  expectRefused(run({"export", path("results"), "records", "-o", path("a.csv")}), 1, {"settings.json", "nested"});
}

// Bytes of a file never reach the terminal as commands.
TEST_F(Robust, ControlCharactersOfNamesAreShown) {
  const std::string name = "evil\x1b[31m\x07name";
  expectRefused(run({"info", path(name)}), 1, {"evil\\u001b[31m\\u0007name"});
  write(name + ".kva.h5", "not HDF5");
  const Ended ended = run({"validate", path(name + ".kva.h5")});
  EXPECT_EQ((ended.err + ended.out).find('\x1b'), std::string::npos);
}

TEST_F(Robust, AMessageIsShort) {
  const std::string long_name(100'000, 'x');
  const Ended ended = run({"info", path("y"), "--" + long_name});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_LT(ended.err.size(), 2000U);
}

}  // namespace
}  // namespace kvatlas::app_test
