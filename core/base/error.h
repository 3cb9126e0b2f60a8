// The exceptions of KVAtlas. Messages are one sentence that names the culprit.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace kvatlas {

// A problem outside the program: a file, a device, a disk. Exit code 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// The caller's mistake: a wrong option or value. Exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// The user stopped the work (Ctrl-C, cancel button). Exit code 130.
class Cancelled : public Error {
 public:
  explicit Cancelled(const std::string& what = "stopped") : Error(what) {}
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[noreturn]] void failUsage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

// "path: No space left on device", from an errno value.
[[nodiscard]] std::string systemMessage(const std::string& path, int error_number);

}  // namespace kvatlas
