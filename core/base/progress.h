// How long-running work reports progress and is cancelled, independent of terminal and window.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvatlas {

// Receives progress of one task at a time. Called from one thread at a time.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void begin(std::string_view task, std::uint64_t total) = 0;  // "prefill", 32 (layers)
  virtual void advance(std::uint64_t done) = 0;                        // absolute, ≤ total
  virtual void end() = 0;
  virtual void warn(std::string_view message) = 0;
  virtual void note(std::string_view message);  // information, not a problem; ignored by default
};

// A Progress without output, for tests and inner calls.
Progress& silentProgress();

// Passed to long-running work: progress output and stop request.
struct WorkContext {
  Progress* progress = &silentProgress();
  std::stop_token stop;

  // Throws Cancelled after a stop request.
  void checkStop() const;
};

// Prints one line per quarter if stderr is no terminal, else a bar with the remaining time.
[[nodiscard]] std::unique_ptr<Progress> makeStderrProgress(bool quiet = false);

}  // namespace kvatlas
