#include "tests/app/programme.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;

constexpr int kHangMilliseconds = 100'000;  // no output for this long is a hang

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Words linesOf(const std::string& text) {
  Words lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string contentOf(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  off_t at = 0;
  for (ssize_t got = 0; (got = ::pread(fd, buffer.data(), buffer.size(), at)) > 0; at += got)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  return text;
}

std::vector<char*> pointersTo(Words& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Words environmentWith(const Words& more) {
  Words words;
  for (char** entry = environ; *entry != nullptr; ++entry) words.emplace_back(*entry);
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Between fork and exec: only system calls.
void applyEnvironment(const RunEnvironment& environment) {
  if (environment.largest_file) {
    if (!environment.file_size_signal) std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{*environment.largest_file, *environment.largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (environment.hangup_ignored) std::signal(SIGHUP, SIG_IGN);
  if (environment.no_streams) {
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
  }
  if (environment.unprivileged)
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER})
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

// The write end of a pipe without a reader.
int closedPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  ::close(ends[0]);
  return ends[1];
}

int openOutput(const RunEnvironment& environment) {
  if (environment.closed_output) return closedPipe();
  if (environment.output_file) return ::open(environment.output_file->c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  return ::memfd_create("stdout", MFD_CLOEXEC);
}

}  // namespace

Words Ended::errorLines() const {
  Words lines = linesOf(err);
  std::erase_if(lines, [](const std::string& line) { return !line.starts_with("kvatlas: error:"); });
  return lines;
}

std::string Ended::lastLine() const {
  const Words lines = linesOf(err);
  return lines.empty() ? "" : lines.back();
}

Running::Running(const Words& arguments, const RunEnvironment& environment)
    : m_output(openOutput(environment)), m_start(now()) {
  Words words{programmePath().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Words variables = environmentWith(environment.environment);
  const std::vector<char*> argv = pointersTo(words), envp = pointersTo(variables);
  std::array<int, 2> ends{};
  if (m_output < 0 || ::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot create a pipe");
  m_error = ends[0];
  m_child = ::fork();
  if (m_child == 0) {
    if (environment.input_file) ::dup2(::open(environment.input_file->c_str(), O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    ::dup2(m_output, STDOUT_FILENO);
    ::dup2(environment.closed_error ? closedPipe() : ends[1], STDERR_FILENO);
    if (environment.error_file) ::dup2(::open(environment.error_file->c_str(), O_WRONLY), STDERR_FILENO);
    applyEnvironment(environment);
    ::execve(argv.front(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(ends[1]);
}

Running::~Running() {
  if (m_child > 0) {
    send(SIGKILL);
    ::waitpid(m_child, nullptr, 0);
  }
  ::close(m_error);
  ::close(m_output);
}

void Running::send(int signal) const {
  if (m_child > 0) ::kill(m_child, signal);
}

bool Running::readError() {
  pollfd watched{.fd = m_error, .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, kHangMilliseconds) == 0) {
    ADD_FAILURE() << "the programme hangs; its output:\n" << m_said;
    send(SIGKILL);
  }
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(m_error, buffer.data(), buffer.size());
  if (got > 0) m_said.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

bool Running::waitForError(const std::string& text) {
  while (m_said.find(text) == std::string::npos)
    if (!readError()) return false;
  return true;
}

Ended Running::wait() {
  while (readError()) {
  }
  int status = 0;
  rusage usage{};
  ::wait4(m_child, &status, 0, &usage);
  m_child = -1;
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .out = contentOf(m_output),
          .err = m_said,
          .seconds = now() - m_start,
          .peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

Ended run(const Words& arguments, const RunEnvironment& environment) {
  return Running(arguments, environment).wait();
}

fs::path programmePath() {
  return fs::path(KVATLAS_BINARY_DIR) / "bin/kvatlas";
}
fs::path bundledModel() {
  return fs::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama";
}
fs::path smallModel() {
  return fs::path(KVATLAS_TEST_DATA) / "models/llama2-gqa";
}

std::string ProgrammeTest::write(const std::string& name, const std::string& bytes) const {
  return m_folder.write(name, bytes).string();
}

Words ProgrammeTest::names() const {
  Words found;
  for (const auto& entry : fs::directory_iterator(folder())) found.push_back(entry.path().filename().string());
  std::ranges::sort(found);
  return found;
}

Words ProgrammeTest::capture(Words arguments) const {
  arguments.insert(arguments.begin(), "capture");
  arguments.insert(arguments.end(), {"-o", trace(), "--force"});
  return arguments;
}

void expectRefused(const Ended& ended, int exit_code, const Words& culprits) {
  EXPECT_EQ(ended.signal, 0) << ended.err;
  EXPECT_EQ(ended.exit_code, exit_code) << ended.err;
  EXPECT_EQ(ended.out, "");
  ASSERT_EQ(ended.errorLines().size(), 1U) << ended.err;
  const std::string line = ended.errorLines().front();
  EXPECT_EQ(ended.lastLine(), line) << "something follows the error";
  for (const std::string& culprit : culprits)
    EXPECT_NE(line.find(culprit), std::string::npos) << "'" << culprit << "' is missing in\n" << line;
}

void expectDone(const Ended& ended) {
  EXPECT_EQ(ended.signal, 0) << ended.err;
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_TRUE(ended.errorLines().empty()) << ended.err;
}

std::string idsText(std::size_t count, std::size_t vocabulary) {
  std::string text;
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    text += std::to_string((state >> 33) % vocabulary) + " ";
  }
  return text;
}

}  // namespace kvatlas::app_test
