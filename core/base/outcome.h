// How some work ended, as a value: exceptions are turned into it at thread, library and process borders.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "core/base/error.h"

namespace kvatlas {

struct Outcome {
  int exit_code = 0;    // 0 done, 1 failed, 2 wrong usage, 130 stopped by the user
  std::string message;  // one sentence, empty when done
};

template <class Work>
[[nodiscard]] Outcome guarded(Work&& work) {
  try {
    work();
    return {};
  } catch (const UsageError& error) {
    return {2, error.what()};
  } catch (const Cancelled& error) {
    return {130, error.what()};
  } catch (const std::bad_alloc&) {
    return {1, "out of memory"};
  } catch (const std::exception& error) {
    return {1, error.what()};
  } catch (...) {
    return {1, "an error of unknown kind"};
  }
}

// The message's first line: libraries append their own stack traces.
[[nodiscard]] inline std::string firstLine(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

}  // namespace kvatlas
