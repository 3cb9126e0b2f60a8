// Turns Ctrl-C and SIGTERM into a stop request; knows signals only.
#pragma once

#include <memory>
#include <stop_token>

namespace kvatlas::app {

// While it lives, the first SIGINT or SIGTERM requests a stop, the second ends the process at once. Create it before other threads.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  [[nodiscard]] std::stop_token token() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace kvatlas::app
