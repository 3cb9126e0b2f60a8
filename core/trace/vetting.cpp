#include "core/trace/vetting.h"

#include <fcntl.h>
#include <hdf5.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/error.h"
#include "core/base/outcome.h"
#include "core/trace/guard/guard.h"

namespace kvatlas::trace {
namespace {

constexpr char kFlag[] = "--vet-trace";
constexpr char kHost[] = "KVATLAS_VETTING_PROCESS";  // tells the libraries of this process that it can vet
// Processor time; a good trace of 215 MB takes 0.3 s, a small one 0.1 s, one of 512 runs 1 s.
constexpr rlim_t kSeconds = 5, kMostSeconds = 60;
constexpr std::uintmax_t kBytesPerSecond = std::uintmax_t{64} << 20;
constexpr rlim_t kMostMemory = rlim_t{4} << 30;  // that can be written; what guards it takes only addresses
constexpr int kPatience = 120'000;               // milliseconds; a slow disk takes no processor time

// A file as it was: inodes are used again, so the time of its birth and of its last change count. A growing file, whose
// name says so, stays the same file.
using Seen = std::tuple<unsigned, unsigned, std::uint64_t, std::int64_t, std::int64_t, std::int64_t>;

struct Vetting {
  std::mutex mutex;
  std::filesystem::path programme;
  std::set<Seen> passed;
};

constexpr std::int64_t nanoseconds(const struct statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Empty: not a regular file, which is refused without reading it.
std::optional<Seen> seen(const std::filesystem::path& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &info) != 0 || !S_ISREG(info.stx_mode))
    return std::nullopt;
  const bool grows = path.extension() == ".part";
  return Seen{info.stx_dev_major,
              info.stx_dev_minor,
              info.stx_ino,
              nanoseconds(info.stx_btime),
              grows ? 0 : nanoseconds(info.stx_mtime),
              grows ? 0 : static_cast<std::int64_t>(info.stx_size)};
}

Vetting& vetting() {
  static Vetting state;
  return state;
}

void limit(int resource, rlim_t most) {
  const rlimit value{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &value);
}

rlim_t secondsFor(const char* path) {
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(path, unknown);
  return unknown ? kSeconds : std::min<rlim_t>(kSeconds + bytes / kBytesPerSecond, kMostSeconds);
}

[[noreturn]] void vetAndEnd(const char* path) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, secondsFor(path));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_DATA, kMostMemory);
#endif
  H5open();  // what the library allocates for itself needs no guard
  guardAllocations();
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
  const Outcome outcome = guarded([&] { walkStructure(path); });
  [[maybe_unused]] const ssize_t said = ::write(STDOUT_FILENO, outcome.message.data(), outcome.message.size());
  ::_exit(outcome.exit_code);
}

class Child {
 public:
  Child(const std::filesystem::path& programme, const std::filesystem::path& path) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(systemMessage(path.string(), errno));
    m_said = ends[0];
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t how;
    ::posix_spawnattr_init(&how);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setsigdefault(&how, &all);
    // A group of its own: Ctrl-C in the terminal is for the program alone.
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::string executable = programme.string(), flag = kFlag, file = path.string();
    std::array<char*, 4> words{executable.data(), flag.data(), file.data(), nullptr};
    std::vector<std::string> variables = guardedEnvironment(programme);
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    const int error = ::posix_spawn(&m_pid, executable.c_str(), &files, &how, words.data(), environment.data());
    ::posix_spawnattr_destroy(&how);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    if (error == 0) return;
    ::close(m_said);
    throw Error(systemMessage(path.string() + ": cannot start a process to look into it", error));
  }
  ~Child() { ::close(m_said); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Its wait status; `message` is what it said. Kills it when the time is over, or after a stop request.
  int wait(std::string& message, const std::stop_token& stop) const {
    listen(message, stop);
    int status = 0;
    while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

 private:
  void listen(std::string& message, const std::stop_token& stop) const {
    const std::stop_callback kill(stop, [this] { ::kill(-m_pid, SIGKILL); });  // it cannot have been waited for yet
    std::array<char, 4096> buffer{};
    for (;;) {
      pollfd said{.fd = m_said, .events = POLLIN, .revents = 0};
      const int ready = ::poll(&said, 1, kPatience);
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) ::kill(-m_pid, SIGKILL);
      const ssize_t got = ready <= 0 ? 0 : ::read(m_said, buffer.data(), buffer.size());
      if (got <= 0) break;
      if (message.size() < buffer.size()) message.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  pid_t m_pid = -1;
  int m_said = -1;
};

void vet(const std::filesystem::path& programme, const std::filesystem::path& path, const std::stop_token& stop) {
  std::string message;
  const int status = Child(programme, path).wait(message, stop);
  if (stop.stop_requested()) throw Cancelled();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status) && !message.empty()) throw Error(message);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGXCPU || signal == SIGKILL)
    fail("{}: is damaged or made to harm: reading its structure does not end", path.string());
  fail("{}: is damaged or made to harm: reading its structure crashes the HDF5 library{}", path.string(),
       signal != 0 ? fmt::format(" ({})", ::strsignal(signal)) : "");
}

}  // namespace

void offerVetting(int argc, char** argv, const std::filesystem::path& programme) {
  if (argc == 3 && std::strcmp(argv[1], kFlag) == 0) vetAndEnd(argv[2]);
  ::setenv(kHost, std::to_string(::getpid()).c_str(), 1);
  vetWith(programme);
}

void vetAsTheHost() {
  const char* const host = std::getenv(kHost);  // NOLINT(concurrency-mt-unsafe): set once, in main()
  if (host != nullptr && std::to_string(::getpid()) == host) vetWith("/proc/self/exe");
}

void vetWith(const std::filesystem::path& programme) {
  const std::lock_guard lock(vetting().mutex);
  vetting().programme = programme;
}

bool vetsFiles() {
  const std::lock_guard lock(vetting().mutex);
  return !vetting().programme.empty();
}

void requireVetted(const std::filesystem::path& path, const std::stop_token& stop) {
  Vetting& state = vetting();
  const std::optional<Seen> file = seen(path);
  std::filesystem::path programme;
  {
    const std::lock_guard lock(state.mutex);
    programme = state.programme;
    if (programme.empty() || !file || state.passed.contains(*file)) return;
  }
  vet(programme, path, stop);
  const std::lock_guard lock(state.mutex);
  state.passed.insert(*file);
}

}  // namespace kvatlas::trace
