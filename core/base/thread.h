// Starts threads with an error that says what failed.
#pragma once

#include <latch>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

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

// Error unless the system lets this process start `count` threads now. Libraries wait without end for threads that
// cannot be started; ask before they try.
inline void requireThreads(unsigned count) {
  std::vector<std::thread> threads;
  std::latch release(1);
  std::string problem;
  try {
    while (threads.size() < count) threads.push_back(startThread([&release] { release.wait(); }));
  } catch (const Error& error) {
    problem = fmt::format("{} ({} of {} started; --threads takes fewer)", error.what(), threads.size(), count);
  }
  release.count_down();
  for (std::thread& thread : threads) thread.join();
  if (!problem.empty()) throw Error(problem);
}

}  // namespace kvatlas
