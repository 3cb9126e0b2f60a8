#include "app/capture/capture_module.h"

#define KVATLAS_EXPORT extern "C" __attribute__((visibility("default")))

using kvatlas::app::CaptureCall;
using kvatlas::app::GenerateCall;
using kvatlas::app::guarded;
using kvatlas::app::Outcome;

// Declared for -Wmissing-declarations; called through dlsym.
KVATLAS_EXPORT void kvatlasCapture(const CaptureCall* call, Outcome* outcome);
KVATLAS_EXPORT void kvatlasGenerate(const GenerateCall* call, Outcome* outcome);

void kvatlasCapture(const CaptureCall* call, Outcome* outcome) {
  *outcome = guarded([&] { *call->summary = kvatlas::capture::runCapture(*call->options, *call->work); });
}

void kvatlasGenerate(const GenerateCall* call, Outcome* outcome) {
  *outcome = guarded([&] { *call->summary = kvatlas::capture::runGenerate(*call->options, *call->work); });
}
