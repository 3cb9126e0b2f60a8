// Calls into the capture library, with progress and Ctrl-C; must not know libtorch.
#pragma once

#include <functional>
#include <string>

#include "app/capture/capture_module.h"

namespace kvatlas::app {

// Sets libtorch's environment variables, opens the library and returns the address of one of its functions.
[[nodiscard]] void* captureFunction(const char* symbol);

// Runs `call` with progress on stderr and a stop token of Ctrl-C; throws the error of its outcome. `stopped` returns
// the message for a stop by the user.
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
