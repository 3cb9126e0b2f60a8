// Turns Ctrl-C and SIGTERM into a stop request; knows signals only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace kvatlas::app {

// While it lives, the first SIGINT or SIGTERM requests a stop. Work that is not done with stopping within `patience`
// (it may sit in one long matrix product) is ended where it stands, like a kill, after the error line `last_words`
// returns; a second signal ends it at once. Create it before other threads.
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
