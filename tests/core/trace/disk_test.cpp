// Targets that cannot be written: full disks, missing folders, other writers, existing files.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/trace/reader.h"
#include "core/trace/writer.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;
using Disk = TraceTest;

// Runs the write in a process with a file-size limit of `limit` bytes; its message comes back through a file.
std::string writeWithin(rlim_t limit, const std::filesystem::path& target, const SampleTrace& sample,
                        const std::filesystem::path& said, int& status) {
  const pid_t pid = fork();
  if (pid == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit cap{limit, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &cap);
    const std::string message = messageOf([&] { writeSampleTrace(target, sample); });
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &none);
    std::ofstream(said) << message;
    std::exit(message.empty() ? 0 : 1);  // runs HDF5's exit handler too
  }
  waitpid(pid, &status, 0);
  std::ifstream in(said);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Disk, AFullDiskIsOneErrorAndLeavesTheOldFile) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  writeSampleTrace(file("whole.h5"), sample);
  const auto size = std::filesystem::file_size(file("whole.h5"));
  for (rlim_t limit = 0; limit < size; limit += size / 23) {
    SCOPED_TRACE(limit);
    putBytes(file(), "the old file");
    int status = 0;
    const std::string message = writeWithin(limit, file(), sample, file("said"), status);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_THAT(message, HasSubstr(file().string() + ": File too large"));
    EXPECT_EQ(bytesOf(file()), "the old file");
    if (std::filesystem::exists(part())) {
      EXPECT_FALSE(trace::Reader(part()).complete());
    }
    std::filesystem::remove(part());
    EXPECT_FALSE(std::filesystem::exists(file("a.kva.h5.part.new")));
  }
}

TEST_F(Disk, AMissingFolderIsReportedBeforeAnyWork) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  const auto target = m_folder / "missing" / "a.kva.h5";
  EXPECT_THAT(messageOf([&] { trace::Writer writer(target, sample.header); }),
              HasSubstr(target.string() + ": No such file"));
  EXPECT_THAT(messageOf([&] { trace::Writer writer(m_folder.path(), sample.header); }), HasSubstr("directory"));
}

TEST_F(Disk, AnExistingTargetIsReplacedByTheRenameOnly) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  putBytes(file(), "old");
  putBytes(part(), "rest of a killed capture");
  trace::Writer writer(file(), sample.header);
  EXPECT_EQ(bytesOf(file()), "old");
  writer.finish();
  EXPECT_TRUE(trace::Reader(file()).complete());
  EXPECT_FALSE(std::filesystem::exists(part()));
  EXPECT_THROW(writer.writeLayer(sample.layers[0]), Error);
}

TEST_F(Disk, TwoWritersOfOneTargetAreRefused) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  trace::Writer writer(file(), sample.header);
  EXPECT_THAT(messageOf([&] { trace::Writer second(file(), sample.header); }), HasSubstr("another process is writing"));
  writer.finish();
  EXPECT_TRUE(trace::Reader(file()).complete());
}

// Another program may make a file of the target's name during a capture of hours: neither is lost.
TEST_F(Disk, ATargetThatAppearsMeanwhileIsKept) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  trace::Writer writer(file(), sample.header, ClaimedFile::Existing::Keep);
  putBytes(file(), "new");
  EXPECT_THAT(messageOf([&] { writer.finish(); }), HasSubstr("the finished trace is " + part().string()));
  EXPECT_EQ(bytesOf(file()), "new");
  EXPECT_TRUE(trace::Reader(part()).complete());
}

// A part file that another process has replaced is not renamed over the target.
TEST_F(Disk, OnlyItsOwnPartIsRenamed) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  trace::Writer writer(file(), sample.header);
  std::filesystem::remove(part());
  putBytes(part(), "of somebody else");
  EXPECT_THAT(messageOf([&] { writer.finish(); }), HasSubstr("No such file"));
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(bytesOf(part()), "of somebody else");
}

TEST_F(Disk, NothingThatStandsUnderATemporaryNameIsFollowed) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  putBytes(file("victim"), "precious");
  std::filesystem::create_symlink(file("victim"), file("a.kva.h5.part.new"));
  EXPECT_THAT(messageOf([&] { trace::Writer writer(file(), sample.header); }), HasSubstr("is a link and in the way"));
  EXPECT_EQ(bytesOf(file("victim")), "precious");
}

}  // namespace
}  // namespace kvatlas::test
