// Captures stopped by Ctrl-C, and by kill −9 at many moments. All flushed data is present and correct, and nothing
// else.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

#include "tests/app/programme.h"
#include "tests/app/spoiled_model.h"
#include "tests/app/trace_contents.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kMostSeconds = 5;  // the promise is one second; allows for a loaded machine

// Counts file events in a folder while a process runs.
class FolderWatch {
 public:
  explicit FolderWatch(const fs::path& folder) : m_fd(inotify_init1(IN_CLOEXEC)) {
    inotify_add_watch(m_fd, folder.c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO);
  }
  ~FolderWatch() { close(m_fd); }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Waits for `count` more events; false when the process ends before.
  [[nodiscard]] bool wait(int count, pid_t process) const {
    const int life = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
    int seen = 0;
    while (seen < count && happens(life)) seen += takeEvents();
    close(life);
    return seen >= count;
  }

 private:
  [[nodiscard]] bool happens(int life) const {
    std::array<pollfd, 2> watched{
        {{.fd = m_fd, .events = POLLIN, .revents = 0}, {.fd = life, .events = POLLIN, .revents = 0}}};
    return poll(watched.data(), watched.size(), 60'000) > 0 && watched[0].revents != 0;
  }
  // A buffer for one event, so that none is read early.
  [[nodiscard]] int takeEvents() const {
    alignas(inotify_event) std::array<char, sizeof(inotify_event) + 32> buffer{};
    int events = 0;
    const ssize_t got = read(m_fd, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got; ++events)
      at +=
          static_cast<ssize_t>(sizeof(inotify_event) + reinterpret_cast<const inotify_event*>(buffer.data() + at)->len);
    return events;
  }

  int m_fd;
};

class Stop : public ProgrammeTest {
 protected:
  // Sends a signal and prints the time until the process ended.
  Ended stop(Running& running, int signal) const {
    const auto sent = Clock::now();
    running.send(signal);
    Ended ended = running.wait();
    const double seconds = std::chrono::duration<double>(Clock::now() - sent).count();
    std::cout << "ended " << seconds << " s after the signal\n";
    EXPECT_LT(seconds, kMostSeconds);
    return ended;
  }

  // Expects a stop by the user that leaves and names the unfinished file.
  void expectLeftUnfinished(const Ended& ended) const {
    expectRefused(ended, 130, {trace() + ".part"});
    EXPECT_FALSE(fs::exists(trace()));
    ASSERT_TRUE(fs::exists(trace() + ".part"));
    const Ended info = run({"info", trace() + ".part"});
    expectDone(info);
    EXPECT_NE((info.out + info.err).find("UNFINISHED"), std::string::npos) << info.out << info.err;
    const Ended validated = run({"validate", trace() + ".part"});
    EXPECT_EQ(validated.exit_code, 1);
    EXPECT_NE(validated.out.find("did not finish"), std::string::npos) << validated.out;
    EXPECT_EQ(validated.errorLines().size(), 1U) << validated.err;
  }
};

TEST_F(Stop, ControlCWhileDecoding) {
  const std::string ids = write("prompt.ids", idsText(300, 1024));
  Running running(
      capture({"--model", bundledModel().string(), "--ids", ids, "--method", "snapkv", "--max-new-tokens", "1000000"}));
  ASSERT_TRUE(running.waitForError("prefill 100 %"));
  expectLeftUnfinished(stop(running, SIGINT));
  const Contents contents = contentsOf(trace() + ".part");
  for (const char* layer : {"000", "001", "002", "003", "004", "005"})
    EXPECT_TRUE(contents.contains(std::string("/attention/") + layer + "/received")) << layer;
}

TEST_F(Stop, TerminateIsTakenAsControlC) {
  const std::string ids = write("prompt.ids", idsText(300, 1024));
  Running running(capture({"--model", bundledModel().string(), "--ids", ids, "--max-new-tokens", "1000000"}));
  ASSERT_TRUE(running.waitForError("prefill 100 %"));
  expectLeftUnfinished(stop(running, SIGTERM));
}

// One layer of 16,000 tokens takes more than a second on a few cores; the signal arrives during the second layer.
TEST_F(Stop, ControlCInALongLayer) {
  const std::string ids = write("prompt.ids", idsText(16'000, 1024));
  const fs::path part = trace() + ".part";
  const FolderWatch watch(folder());
  Running running(capture({"--model", bundledModel().string(), "--ids", ids, "--max-new-tokens", "1"}));
  constexpr std::uintmax_t beyond_the_header = std::uintmax_t{1} << 20U;
  while (!fs::exists(part) || fs::file_size(part) < beyond_the_header) ASSERT_TRUE(watch.wait(1, running.pid()));
  expectLeftUnfinished(stop(running, SIGINT));
}

TEST_F(Stop, ControlCWhileTheModelIsLoaded) {
  writeHollowModel(folder() / "model", 96);
  const std::string ids = write("prompt.ids", idsText(16, 64));
  const Words before = names();
  Running running(capture({"--model", path("model"), "--ids", ids}));
  ASSERT_TRUE(running.waitForError("loading 25 %"));
  const Ended ended = stop(running, SIGINT);
  expectRefused(ended, 130, {"before anything was recorded"});
  EXPECT_EQ(ended.err.find("loading 100 %"), std::string::npos) << "the model was loaded too fast for this test";
  EXPECT_EQ(names(), before);
}

// Work that cannot check for the stop request, here because it waits for its prompt, is ended too.
TEST_F(Stop, ControlCWhereNobodyLooks) {
  ASSERT_EQ(mkfifo(path("prompt.txt").c_str(), 0666), 0);
  Running running(capture({"--model", bundledModel().string(), "--prompt", path("prompt.txt")}));
  const int writing_end =
      open(path("prompt.txt").c_str(), O_WRONLY | O_CLOEXEC);  // returns when the programme opens it
  ASSERT_GE(writing_end, 0);
  const Ended ended = stop(running, SIGINT);
  close(writing_end);
  expectRefused(ended, 130, {"before anything was recorded"});
  EXPECT_EQ(names(), Words{"prompt.txt"});
}

TEST_F(Stop, ASecondControlCEndsAtOnce) {
  ASSERT_EQ(mkfifo(path("prompt.txt").c_str(), 0666), 0);
  Running running(capture({"--model", bundledModel().string(), "--prompt", path("prompt.txt")}));
  const int writing_end = open(path("prompt.txt").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writing_end, 0);
  running.send(SIGTERM);
  const Ended ended = stop(running, SIGINT);
  close(writing_end);
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_EQ(names(), Words{"prompt.txt"});
}

TEST_F(Stop, ControlCWhileGenerating) {
  const std::string ids = write("prompt.ids", idsText(300, 1024));
  Running running({"generate", "--model", bundledModel().string(), "--ids", ids, "--max-new-tokens", "1000000"});
  ASSERT_TRUE(running.waitForError("prefill 100 %"));
  expectRefused(stop(running, SIGINT), 130, {"stopped"});
}

// kill −9 after every few writes to the file, until one capture completes.
TEST_F(Stop, KilledAtManyMoments) {
  const std::string ids = write("prompt.ids", idsText(200, 64));
  Words arguments{"--model", smallModel().string(), "--ids", ids, "--max-new-tokens", "6", "--keep-qk"};
  // Many runs: a fast machine writes them within milliseconds, and signals should hit them too.
  for (const char* method : {"snapkv", "h2o", "pyramidkv", "streamingllm"})
    arguments.insert(arguments.end(), {"--method", method});
  for (int budget = 24; budget < 124; budget += 10)
    arguments.insert(arguments.end(), {"--budget", std::to_string(budget)});
  ASSERT_EQ(run(capture(arguments)).exit_code, 0);
  const Contents whole = contentsOf(trace());
  fs::remove(trace());

  int kills = 0, layers = 0, runs = 0;
  for (int events = 0; kills < 60; events += 1 + events / 6, ++kills) {
    const FolderWatch watch(folder());
    Running running(capture(arguments));
    const bool still_there = watch.wait(events, running.pid());
    running.send(SIGKILL);
    const Ended ended = running.wait();
    if (!still_there || ended.exit_code == 0) break;  // it ended before the signal
    SCOPED_TRACE(testing::Message() << "killed after " << events << " events");
    ASSERT_EQ(ended.signal, SIGKILL) << ended.err;
    if (fs::exists(trace())) {  // killed between its last two calls: the trace is complete
      EXPECT_EQ(differences(whole, contentsOf(trace()), {"@created", "@seconds"}), Words{});
      fs::remove(trace());
      continue;
    }
    if (!fs::exists(trace() + ".part")) continue;
    expectDone(run({"info", trace() + ".part"}));
    const Contents part = contentsOf(trace() + ".part");
    for (const auto& [name, value] : part) {
      if (!name.ends_with("@recorded") || value != whole.at(name)) continue;  // a group marked complete
      const std::string group = name.substr(0, name.find('@')) + "/";
      (name.starts_with("/attention") ? layers : runs) += 1;
      for (const auto& [member, bytes] : part)
        EXPECT_TRUE(!member.starts_with(group) || bytes == whole.at(member)) << member << " was flushed but differs";
    }
    fs::remove(trace() + ".part");
  }
  std::cout << kills << " kills; complete in the files they left: " << layers << " layers, " << runs
            << " runs and logits\n";
  EXPECT_GE(kills, 10);
  EXPECT_GT(layers + runs, 0);  // which of them a signal hits depends on the machine

  // The file of a killed capture does not block the next one.
  expectDone(run(capture(arguments)));
  EXPECT_EQ(differences(whole, contentsOf(trace()), {"@created", "@seconds"}), Words{});
  EXPECT_EQ(names(), (Words{"out.kva.h5", "prompt.ids"}));
}

}  // namespace
}  // namespace kvatlas::app_test
