#include "app/cli/capture_call.h"

#include <stdlib.h>

#include "app/cli/interrupt.h"
#include "app/cli/module_loader.h"

namespace kvatlas::app {

void* captureFunction(const char* symbol) {
  // libtorch's OpenMP threads spin between its many short parallel loops; beyond some microseconds that only takes the
  // processor from others. Has to be set before the library is opened; a value of the user's stays.
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  // Its matrix products add in an order that depends on the number of threads unless told not to.
  ::setenv("MKL_CBWR", "AUTO,STRICT", 0);
  return moduleSymbol(kCaptureLibrary, symbol);
}

void runWithProgress(bool quiet, const std::function<std::string()>& stopped,
                     const std::function<void(const WorkContext&, Outcome&)>& call) {
  const Interrupt interrupt(stopped);
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
