// Calls into the capture library, with progress and Ctrl-C; knows no libtorch.
#pragma once

#include <functional>
#include <string>

#include "app/capture/capture_module.h"

namespace kvatlas::app {

// Opens the library once its surroundings are set, and returns the address of a function of it.
[[nodiscard]] void* captureFunction(const char* symbol);

// Runs `call` with a progress on stderr and a stop token of Ctrl-C and rethrows its outcome as the error it stands for.
// `stopped` words a stop by the user.
void runWithProgress(bool quiet, const std::function<std::string()>& stopped,
                     const std::function<void(const WorkContext&, Outcome&)>& call);

template <class Entry, class Call>
void callCapture(const char* symbol, Call call, bool quiet, const std::function<std::string()>& stopped) {
  runWithProgress(quiet, stopped, [&](const WorkContext& work, Outcome& outcome) {
    call.work = &work;
    reinterpret_cast<Entry>(captureFunction(symbol))(&call, &outcome);
  });
}

}  // namespace kvatlas::app
