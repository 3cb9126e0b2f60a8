// Starts threads with an error that says what failed.
#pragma once

#include <system_error>
#include <thread>
#include <utility>

#include "core/base/error.h"

namespace kvatlas {

// Error where the system allows no further thread.
template <class Body>
[[nodiscard]] std::thread startThread(Body&& body) {
  try {
    return std::thread(std::forward<Body>(body));
  } catch (const std::system_error& error) {
    fail("cannot start a thread: {}", error.code().message());
  }
}

}  // namespace kvatlas
