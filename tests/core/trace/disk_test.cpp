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

}  // namespace
}  // namespace kvatlas::test
