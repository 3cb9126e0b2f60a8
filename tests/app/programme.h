// Runs the built `kvatlas` in its own process, as a user does, and keeps its output, exit status and resource use. Must
// not use KVAtlas's code.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace kvatlas::app_test {

using Words = std::vector<std::string>;

// Result of one run.
struct Ended {
  int exit_code = -1;  // −1: ended by a signal
  int signal = 0;      // 0: exited
  std::string out, err;
  double seconds = 0;
  std::uint64_t peak_bytes = 0;

  [[nodiscard]] Words errorLines() const;  // lines of stderr that start with "kvatlas: error:"
  [[nodiscard]] std::string lastLine() const;
};

// The environment of a run, where it differs from the default.
struct RunEnvironment {
  std::optional<std::uint64_t> largest_file;         // RLIMIT_FSIZE, signal ignored: writing fails as on a full disk
  bool unprivileged = false;                         // file permissions apply to root too
  bool closed_output = false;                        // stdout is a pipe without a reader
  std::optional<std::filesystem::path> output_file;  // stdout goes there
  std::optional<std::filesystem::path> error_file;   // stderr goes there
  bool closed_error = false;                         // stderr is a pipe without a reader
  bool no_streams = false;                           // stdout and stderr are closed
  bool file_size_signal = false;                     // largest_file sends SIGXFSZ, as a shell's ulimit does
  bool hangup_ignored = false;                       // as under nohup
  std::optional<std::filesystem::path> input_file;   // stdin comes from there
  Words environment;                                 // more "NAME=value"
};

// A run in progress. Killed when this goes out of scope or after a generous timeout.
class Running {
 public:
  explicit Running(const Words& arguments, const RunEnvironment& environment = {});
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void send(int signal) const;
  // Reads stderr until it contains the text. False: the run ended first.
  bool waitForError(const std::string& text);
  [[nodiscard]] Ended wait();
  [[nodiscard]] pid_t pid() const { return m_child; }

 private:
  bool readError();  // false at its end

  pid_t m_child = -1;
  int m_error = -1, m_output = -1;
  double m_start = 0;
  std::string m_said;
};

[[nodiscard]] Ended run(const Words& arguments, const RunEnvironment& environment = {});
[[nodiscard]] std::filesystem::path programmePath();
[[nodiscard]] std::filesystem::path bundledModel();
[[nodiscard]] std::filesystem::path
smallModel();  // random weights, no tokenizer: a vocabulary of 64, 512 positions, 3 layers

// Gives every test its own temporary folder.
class ProgrammeTest : public testing::Test {
 protected:
  [[nodiscard]] const std::filesystem::path& folder() const { return m_folder.path(); }
  [[nodiscard]] std::string path(const std::string& name) const { return (m_folder / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const;  // the path
  [[nodiscard]] Words names() const;                                           // the folder's entries, sorted

  // `capture --force -o <folder>/out.kva.h5` with these arguments.
  [[nodiscard]] Words capture(Words arguments) const;
  [[nodiscard]] std::string trace() const { return path("out.kva.h5"); }

 private:
  test::ScratchFolder m_folder;
};

// Expects the exit code, no signal, empty stdout, and one error line, the last of stderr, that names every culprit.
void expectRefused(const Ended& ended, int exit_code, const Words& culprits);
void expectDone(const Ended& ended);

// `count` different ids below `vocabulary`, separated by spaces.
[[nodiscard]] std::string idsText(std::size_t count, std::size_t vocabulary);

}  // namespace kvatlas::app_test
