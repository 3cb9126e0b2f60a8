// Traces whose writer was killed or is still running.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "core/base/error.h"
#include "core/trace/writer.h"
#include "tests/core/trace/compare.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using Unfinished = TraceTest;

// Writes the parts of a sample one by one and reports each through a pipe; SIGKILLs itself after `stop_after` parts.
[[noreturn]] void writeAndDie(const std::filesystem::path& path, const SampleTrace& sample, int pipe_end,
                              std::size_t stop_after) {
  const auto step = [&](std::size_t done) {
    const char byte = static_cast<char>(done);
    if (write(pipe_end, &byte, 1) != 1 || done == stop_after) kill(getpid(), SIGKILL);
  };
  trace::Writer writer(path, sample.header);
  std::size_t done = 0;
  step(done);
  for (const auto& layer : sample.layers) {
    writer.writeLayer(layer);
    step(++done);
  }
  writer.writeNextLogits(sample.next_logits);
  step(++done);
  for (std::size_t run = 0; run < sample.runs.size(); ++run) {
    writer.writeRun(run, sample.runs[run]);
    step(++done);
  }
  kill(getpid(), SIGKILL);
  _exit(3);
}

// The first `done` parts are complete.
void expectParts(const std::filesystem::path& part, const SampleTrace& sample, std::size_t done) {
  const trace::Reader reader(part);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.header().prompt.text, sample.header.prompt.text);
  std::size_t index = 0;
  for (const auto& layer : sample.layers) {
    if (index++ < done) expectLayer(reader, layer);
  }
  if (index++ < done) {
    EXPECT_EQ(reader.nextLogits(), std::optional(sample.next_logits));
  }
  for (std::size_t run = 0; run < sample.runs.size(); ++run) {
    if (index++ < done) expectRun(reader, run, sample.runs[run]);
  }
}

struct Child {
  pid_t pid;
  int pipe_end;
};

Child startWriter(const std::filesystem::path& path, const SampleTrace& sample, std::size_t stop_after) {
  int ends[2];
  if (pipe(ends) != 0) return {-1, -1};
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    writeAndDie(path, sample, ends[1], stop_after);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

TEST_F(Unfinished, KilledAfterEachFlushKeepsFlushedData) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  const std::size_t parts = sample.layers.size() + 1 + sample.runs.size();
  for (std::size_t stop = 0; stop <= parts; ++stop) {
    SCOPED_TRACE(stop);
    const Child child = startWriter(file(), sample, stop);
    int status = 0;
    ASSERT_EQ(waitpid(child.pid, &status, 0), child.pid);
    close(child.pipe_end);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ASSERT_FALSE(std::filesystem::exists(file()));
    expectParts(part(), sample, stop);
    const trace::Reader reader(part());
    if (stop < sample.layers.size()) {
      EXPECT_FALSE(reader.hasLayer(LayerIndex(stop)));
      EXPECT_FALSE(reader.signal(LayerIndex(stop), trace::Signal::Lse));
    }
    if (stop < parts) {
      EXPECT_FALSE(reader.run(sample.runs.size() - 1));
    }
  }
}

TEST_F(Unfinished, KilledFromOutsideAtAnyMoment) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  for (std::size_t round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    const Child child = startWriter(file(), sample, 1000);
    char done = 0;
    // Waits for a number of parts, then kills while the next ones are being written.
    for (std::size_t seen = 0; seen <= round % 8; ++seen) {
      if (read(child.pipe_end, &done, 1) != 1) break;
    }
    for (volatile std::size_t spin = 0; spin < round * 20'000;) spin = spin + 1;
    kill(child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    while (read(child.pipe_end, &done, 1) == 1) {
    }
    close(child.pipe_end);
    expectParts(part(), sample, static_cast<std::size_t>(done));
  }
}

TEST_F(Unfinished, IsReadWhileAnotherProcessWrites) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  const Child child = startWriter(file(), sample, 1000);
  char done = 0;
  std::size_t looks = 0;
  while (read(child.pipe_end, &done, 1) == 1) {
    expectParts(part(), sample, static_cast<std::size_t>(done));
    ++looks;
  }
  waitpid(child.pid, nullptr, 0);
  close(child.pipe_end);
  EXPECT_EQ(looks, sample.layers.size() + sample.runs.size() + 2);
}

TEST_F(Unfinished, AnOpenReaderSeesLaterFlushes) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  trace::Writer writer(file(), sample.header);
  EXPECT_EQ(writer.partPath(), part());
  {
    // HDF5 shares an open file within a process, so the outside view needs another process.
    const pid_t pid = fork();
    if (pid == 0) {
      int failures = 0;
      try {
        const trace::Reader reader(part());
        failures = reader.complete() || reader.hasLayer(LayerIndex(0)) ? 1 : 0;
      } catch (const Error&) {
        failures = 2;
      }
      _exit(failures);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  writer.writeLayer(sample.layers[0]);
  writer.finish();
  EXPECT_TRUE(trace::Reader(file()).hasLayer(LayerIndex(0)));
}

TEST_F(Unfinished, AFailedWriterLeavesAPartThatOpens) {
  SampleTraceOptions options = tinyOptions();
  options.finish = false;
  writeSampleTrace(file(), options);
  EXPECT_FALSE(std::filesystem::exists(file()));
  const trace::Reader reader(part());
  EXPECT_FALSE(reader.complete());
  EXPECT_TRUE(reader.hasLayer(LayerIndex(1)));
}

}  // namespace
}  // namespace kvatlas::test
