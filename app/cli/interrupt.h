// Turns Ctrl-C, SIGTERM and SIGHUP into a stop request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvatlas::app {

inline constexpr std::chrono::milliseconds kAtOnce{0};  // patience with work that does not look for a stop request

// The error line, without "error: ", of a process that ends in the middle of its work; `complete`: the file that it
// completed last, or "".
using LastWords = std::function<std::string(std::string_view complete)>;
[[nodiscard]] std::string stoppedBeforeTheEnd(std::string_view complete);

// During its lifetime the first SIGINT, SIGTERM or SIGHUP (unless ignored, as under nohup) requests a stop. If the work
// does not stop within `patience` (it may be in one long matrix product), prints the error line that `last_words`
// returns, deletes temporary files of outputs and ends the process, like a kill; a second signal ends it at once.
// Create it before other threads. Error where no thread can be started.
class Interrupt {
 public:
  explicit Interrupt(LastWords last_words, std::chrono::milliseconds patience = std::chrono::milliseconds(800));
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] std::stop_token token() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace kvatlas::app
