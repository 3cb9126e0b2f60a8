// Outputs that cannot be written: missing, read-only or full folders. An existing file keeps its content.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

class Output : public ProgrammeTest {
 protected:
  Words captureTo(const std::string& output, const Words& more = {}) const {
    Words words{"capture",
                "--model",
                bundledModel().string(),
                "--max-new-tokens",
                "4",
                "--method",
                "snapkv",
                "--budget",
                "12",
                "--text",
                "It is a truth universally acknowledged, that a single man in possession of a good fortune.",
                "-o",
                output};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(Output, FolderMissing) {
  expectRefused(run(captureTo(path("nowhere/out.kva.h5"))), 1, {path("nowhere/out.kva.h5"), "folder"});
  EXPECT_EQ(names(), Words{});
}

TEST_F(Output, FolderIsAFile) {
  write("file", "x");
  expectRefused(run(captureTo(path("file/out.kva.h5"))), 1, {path("file/out.kva.h5")});
  EXPECT_EQ(names(), Words{"file"});
}

TEST_F(Output, IsAFolder) {
  expectRefused(run(captureTo(folder().string())), 1, {folder().string(), "folder"});
  EXPECT_EQ(names(), Words{});
}

// A pipe stands in for devices: replacing /dev/null would break the machine.
TEST_F(Output, IsNoRegularFile) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0666), 0);
  expectRefused(run(captureTo(path("pipe"))), 1, {path("pipe"), "regular file"});
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  write("target", "precious");
  fs::create_symlink("target", folder() / "link");
  expectRefused(run(captureTo(path("link"))), 1, {path("link"), "regular file"});
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(fs::file_size(path("target")), 8U);
  EXPECT_EQ(names(), (Words{"link", "pipe", "target"}));
}

TEST_F(Output, EmptyName) {
  expectRefused(run(captureTo("")), 2, {"output"});
}

TEST_F(Output, FolderNotWritable) {
  const fs::path closed = folder() / "closed";
  fs::create_directory(closed);
  fs::permissions(closed, fs::perms::owner_read | fs::perms::owner_exec);
  const Ended ended = run(captureTo((closed / "out.kva.h5").string()), {.unprivileged = true});
  expectRefused(ended, 1, {closed.string(), "Permission denied"});
  EXPECT_TRUE(fs::is_empty(closed));
}

TEST_F(Output, CannotBeHadAsAFile) {
  expectRefused(run(captureTo("/dev/full/out.kva.h5")), 1, {"/dev/full/out.kva.h5"});
}

// A disk that becomes full at the first byte, among the layers, or near the end.
TEST_F(Output, FullAtAnyMoment) {
  ASSERT_EQ(run(captureTo(path("whole.kva.h5"))).exit_code, 0);
  const std::uint64_t whole = fs::file_size(path("whole.kva.h5"));
  ASSERT_GT(whole, 10'000U);
  for (const std::uint64_t limit :
       {std::uint64_t{0}, std::uint64_t{1000}, whole / 4, whole / 2, 3 * whole / 4, whole - 64}) {
    SCOPED_TRACE(testing::Message() << limit << " of " << whole << " bytes");
    const Ended ended = run(captureTo(trace()), {.largest_file = limit});
    expectRefused(ended, 1, {"out.kva.h5", "File too large"});
    EXPECT_FALSE(fs::exists(trace()));
    if (fs::exists(trace() + ".part")) {
      EXPECT_EQ(run({"info", trace() + ".part"}).exit_code, 0);
      fs::remove(trace() + ".part");
    }
    EXPECT_EQ(names(), Words{"whole.kva.h5"});
  }
}

TEST_F(Output, FullDisk) {
  const fs::path disk = folder() / "disk";
  fs::create_directory(disk);
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "no permission to mount a file system";
  const Ended ended = run(captureTo((disk / "out.kva.h5").string()));
  expectRefused(ended, 1, {"out.kva.h5", "free"});
  EXPECT_TRUE(fs::is_empty(disk));
  ::umount(disk.c_str());
}

TEST_F(Output, WhatStandsUnderTheFinalNameStaysUntilItIsReplaced) {
  write("out.kva.h5", "precious");
  const Ended failed = run(captureTo(trace(), {"--force", "--span", "needle=not in it"}));
  EXPECT_EQ(failed.exit_code, 2);
  EXPECT_EQ(fs::file_size(trace()), 8U);
  expectDone(run(captureTo(trace(), {"--force"})));
  EXPECT_GT(fs::file_size(trace()), 10'000U);
  EXPECT_EQ(names(), Words{"out.kva.h5"});
}

// The message says what would be lost.
TEST_F(Output, AnExistingTraceNeedsForce) {
  ASSERT_EQ(run(captureTo(trace())).exit_code, 0);
  const auto written = fs::last_write_time(trace());
  expectRefused(run(captureTo(trace())), 2, {"out.kva.h5", "a trace of", "tokens under 2 runs", "--force"});
  EXPECT_EQ(fs::last_write_time(trace()), written);
  expectDone(run(captureTo(trace(), {"--force"})));
  EXPECT_NE(fs::last_write_time(trace()), written);
  expectRefused(run(captureTo(write("notes.txt", "my thoughts"))), 2, {"notes.txt", "no readable trace", "--force"});
}

// Not even with --force.
TEST_F(Output, AnInputIsNeverReplaced) {
  fs::copy(bundledModel(), path("model"));
  const std::string prompt = write("prompt.txt", "It is a truth universally acknowledged.");
  fs::create_hard_link(prompt, path("other-name.txt"));
  const auto to = [&](const std::string& output) {
    return run(
        {"capture", "--model", path("model"), "--prompt", prompt, "--max-new-tokens", "1", "--force", "-o", output});
  };
  expectRefused(to(prompt), 2, {"prompt.txt", "is the prompt"});
  expectRefused(to(path("other-name.txt")), 2, {"is the prompt"});
  expectRefused(to(path("model/model.safetensors")), 2, {"model.safetensors", "is a file of the model"});
  EXPECT_EQ(fs::file_size(prompt), 39U);
  EXPECT_EQ(fs::file_size(path("model/model.safetensors")), fs::file_size(bundledModel() / "model.safetensors"));
}

// Two captures of one output at the same moment: one trace, whole, and one error; or one after the other.
TEST_F(Output, TwoCapturesOfOneOutput) {
  for (int pair = 0; pair < 12; ++pair) {
    SCOPED_TRACE(pair);
    fs::remove(trace());
    Running first(captureTo(trace())), second(captureTo(trace()));
    const Ended one = first.wait(), other = second.wait();
    EXPECT_TRUE((one.exit_code == 0) != (other.exit_code == 0)) << one.err << other.err;
    expectDone(run({"validate", trace()}));
    // The later one may have begun before the other had ended: then it keeps what it has made and says so.
    if (!fs::exists(trace() + ".part")) continue;
    EXPECT_NE((one.err + other.err).find("the finished trace is " + trace() + ".part"), std::string::npos);
    expectDone(run({"validate", trace() + ".part"}));
    fs::remove(trace() + ".part");
  }
}

// `kvatlas … | head -1` closes the pipe: no signal, and no error message about it.
TEST_F(Output, ClosedPipe) {
  for (const Words& words :
       {Words{"--help"}, captureTo(trace(), {"--force"}), captureTo(trace(), {"--force", "--json"})}) {
    const Ended ended = run(words, {.closed_output = true});
    EXPECT_EQ(ended.signal, 0);
    EXPECT_LE(ended.exit_code, 1);
    EXPECT_TRUE(ended.errorLines().empty()) << ended.err;
  }
  EXPECT_TRUE(fs::exists(trace()));
}

// Lost output is an error.
TEST_F(Output, FullStandardOutput) {
  expectRefused(run(captureTo(trace(), {"--json"}), {.output_file = "/dev/full"}), 1, {"output", "No space left"});
}

TEST_F(Output, ProgressIsPlainLinesOnStandardErrorOnly) {
  const Ended ended = run(captureTo(trace()));
  expectDone(ended);
  EXPECT_NE(ended.err.find("kvatlas: prefill 100 %\n"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("kvatlas: loading 100 %\n"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find_first_of("\r\033"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.out.find("prefill 100"), std::string::npos) << ended.out;
  std::istringstream lines(ended.err);
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with("kvatlas: ")) << line;
}

TEST_F(Output, QuietSaysNothing) {
  const Ended ended = run(captureTo(trace(), {"--quiet"}));
  expectDone(ended);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "");
}

}  // namespace
}  // namespace kvatlas::app_test
