// Turns Ctrl-C and SIGTERM into a stop request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace kvatlas::app {

// During its lifetime the first SIGINT or SIGTERM requests a stop. If the work does not stop within `patience` (it may
// be in one long matrix product), prints the error line that `last_words` returns and ends the process, like a kill; a
// second signal ends it at once. Create it before other threads.
class Interrupt {
 public:
  explicit Interrupt(std::function<std::string()> last_words,
                     std::chrono::milliseconds patience = std::chrono::milliseconds(800));
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] std::stop_token token() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace kvatlas::app
