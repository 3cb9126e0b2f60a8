// How long work reports itself and is stopped; knows neither terminal nor window.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvatlas {

// Receives progress of one piece of work after another. Called from one thread at a time.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void begin(std::string_view task, std::uint64_t total) = 0;  // "prefill", 32 (layers)
  virtual void advance(std::uint64_t done) = 0;                        // absolute, ≤ total
  virtual void end() = 0;
  virtual void warn(std::string_view message) = 0;
  virtual void note(std::string_view message);  // worth knowing beforehand; nothing is wrong. Ignored by default
};

// A Progress that says nothing, for tests and inner calls.
Progress& silentProgress();

// What long work is handed: where to report, when to stop.
struct WorkContext {
  Progress* progress = &silentProgress();
  std::stop_token stop;

  // Throws Cancelled once a stop was requested.
  void checkStop() const;
};

// One line per quarter where stderr is no terminal, else a bar with the remaining time.
[[nodiscard]] std::unique_ptr<Progress> makeStderrProgress(bool quiet = false);

}  // namespace kvatlas
