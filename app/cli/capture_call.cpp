#include "app/cli/capture_call.h"

#include <stdlib.h>

#include "app/cli/interrupt.h"
#include "app/cli/module_loader.h"

namespace kvatlas::app {

void* captureFunction(const char* symbol) {
  // libtorch's OpenMP threads spin between its many short parallel loops; beyond some microseconds that only takes the
  // processor from others. Set before the library is opened; the user's own value wins.
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  // By default the summation order of MKL's matrix products depends on the thread count.
  ::setenv("MKL_CBWR", "AUTO,STRICT", 0);
  return moduleSymbol(kCaptureLibrary, symbol);
}

void runWithProgress(bool quiet, const std::function<std::string()>& stopped,
                     const std::function<void(const WorkContext&, Outcome&)>& call) {
  const Interrupt interrupt([&](std::string_view) { return stopped(); });
  const auto progress = makeStderrProgress(quiet);
  const WorkContext work{.progress = progress.get(), .stop = interrupt.token()};
  Outcome outcome;
  call(work, outcome);
  progress->end();
  if (outcome.exit_code == 2) throw UsageError(outcome.message);
  if (outcome.exit_code == 130) throw Cancelled(stopped());
  if (outcome.exit_code != 0) throw Error(outcome.message);
}

}  // namespace kvatlas::app
