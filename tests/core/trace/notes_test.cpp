// Writing notes into a finished trace changes nothing else, even when interrupted.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "core/trace/h5_write.h"
#include "core/trace/notes_writer.h"
#include "core/trace/writer.h"
#include "tests/core/trace/compare.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class NotesTest : public TraceTest {
 protected:
  NotesTest() { writeSampleTrace(file(), m_sample); }

  void expectAllElseUnchanged() {
    const trace::Reader reader(file());
    EXPECT_TRUE(reader.complete());
    EXPECT_EQ(reader.header().prompt.text, m_sample.header.prompt.text);
    for (const auto& layer : m_sample.layers) expectLayer(reader, layer);
    for (std::size_t run = 0; run < m_sample.runs.size(); ++run) expectRun(reader, run, m_sample.runs[run]);
  }
  // A writer's mark in the superblock: other programs refuse a file with this mark.
  [[nodiscard]] bool marked() const {
    std::ifstream in(file(), std::ios::binary);
    in.seekg(11);
    return (in.get() & 5) != 0;
  }
  // While a change is in flight; false if none was seen within ten seconds.
  [[nodiscard]] bool waitForMark() const {
    const auto start = std::chrono::steady_clock::now();
    while (!marked())
      if (std::chrono::steady_clock::now() - start > std::chrono::seconds(10)) return false;
    return true;
  }

  SampleTrace m_sample = makeSampleTrace(tinyOptions());
};

TEST_F(NotesTest, AreParsedBackAndNothingElseChanges) {
  const auto longer = [](std::size_t length) { return "{\"a\": \"" + std::string(length, 'x') + "\"}"; };
  for (const std::string& text : {std::string("{\"a\": 1}"), longer(10000), std::string("{}"), longer(20000)}) {
    trace::writeNotes(file(), text);
    const std::string stored = trace::Reader(file()).notes();
    EXPECT_THAT(stored, StartsWith(text));
    EXPECT_EQ(stored.find_first_not_of('\n', text.size()), std::string::npos) << "padded with line ends";
    EXPECT_FALSE(marked());
  }
  expectAllElseUnchanged();
  EXPECT_TRUE(trace::validate(file()).empty());
}

TEST_F(NotesTest, ManyChangesDoNotMakeTheFileGrow) {
  trace::writeNotes(file(), std::string(5000, ' '));
  const auto size = std::filesystem::file_size(file());
  for (int i = 0; i < 50; ++i) trace::writeNotes(file(), std::string(4000 + static_cast<std::size_t>(i) * 20, ' '));
  EXPECT_EQ(std::filesystem::file_size(file()), size);
}

TEST_F(NotesTest, UnfinishedAndForeignFilesAreNamedAndUnchanged) {
  putBytes(file("text.h5"), "no HDF5");
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file("text.h5"), "{}"); }), HasSubstr("text.h5: not a trace"));
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file("none.h5"), "{}"); }), HasSubstr("none.h5: No such file"));
  EXPECT_THAT(messageOf([&] { trace::writeNotes(m_folder.path(), "{}"); }), HasSubstr("directory"));
  trace::Writer writer(file("b.h5"), m_sample.header);
  EXPECT_THAT(messageOf([&] { trace::writeNotes(writer.partPath(), "{}"); }), HasSubstr("b.h5.part"));
  EXPECT_EQ(bytesOf(file("text.h5")), "no HDF5");
}

TEST_F(NotesTest, NotesOfAFixedSizeAreRefused) {
  {
    const trace::h5::Handle whole(H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    H5Ldelete(whole.get(), "notes", H5P_DEFAULT);
    const std::string text = "{}";
    trace::h5::Group::openRoot(whole, "a").writeFixed("notes", {text.size()}, trace::h5::bytesOf(text));
  }
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file(), "{\"longer\": true}"); }),
              HasSubstr("/notes: has a fixed size"));
  EXPECT_EQ(trace::Reader(file()).notes(), "{}");
  EXPECT_FALSE(marked());
}

TEST_F(NotesTest, MoreThanTheFormatAllowsIsNeitherReplacedNorWritten) {
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file(), std::string(trace::schema::kMaxNotes + 1, 'x')); }),
              HasSubstr("at most 67108864 bytes"));
  {
    const trace::h5::Handle whole(H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    const trace::h5::Handle notes(H5Dopen2(whole.get(), "notes", H5P_DEFAULT));
    const hsize_t claimed = hsize_t{1} << 44;
    ASSERT_EQ(H5Dset_extent(notes.get(), &claimed), 0);
  }
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file(), "{}"); }), HasSubstr("/notes: has 17592186044416 bytes"));
  EXPECT_FALSE(marked());
}

TEST_F(NotesTest, AnotherWriterIsNotDisturbed) {
  const int fd = open(file().c_str(), O_RDWR | O_CLOEXEC);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &range), 0);
  EXPECT_THAT(messageOf([&] { trace::writeNotes(file(), "{}"); }), HasSubstr("another program is writing"));
  close(fd);
  EXPECT_EQ(messageOf([&] { trace::writeNotes(file(), "{}"); }), "");
}

TEST_F(NotesTest, AFullDiskIsOneErrorAndChangesNothing) {
  const std::string before = bytesOf(file());
  const pid_t pid = fork();
  if (pid == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit cap{before.size() + 100, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &cap);
    const std::string message = messageOf([&] { trace::writeNotes(file(), std::string(100000, 'x')); });
    _exit(message == file().string() + ": File too large" ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(bytesOf(file()), before);
}

// Killed at any moment: the rest stays intact, and the next change removes the killed writer's mark.
TEST_F(NotesTest, AKillLeavesEverythingElseIntact) {
  int left_a_mark = 0;
  for (int round = 0; round < 24; ++round) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (std::size_t size = 1;; size = size % 40000 + 1999) trace::writeNotes(file(), std::string(size, 'x'));
    }
    const bool seen = waitForMark();
    std::this_thread::sleep_for(std::chrono::microseconds(round % 12 * 30));
    kill(pid, SIGKILL);
    EXPECT_TRUE(seen);
    waitpid(pid, nullptr, 0);
    left_a_mark += marked() ? 1 : 0;
    expectAllElseUnchanged();
    ASSERT_EQ(messageOf([&] { trace::writeNotes(file(), "{\"round\": 1}"); }), "");
    EXPECT_THAT(trace::Reader(file()).notes(), StartsWith("{\"round\": 1}"));
    EXPECT_FALSE(marked());
  }
  RecordProperty("killed_while_marked", left_a_mark);
  EXPECT_GT(left_a_mark, 0) << "no kill hit a critical moment, so nothing was tested";
}

}  // namespace
}  // namespace kvatlas::test
