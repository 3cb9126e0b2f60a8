// One case of a run once more, recorded as a trace: the same prompt, methods and budgets, needle and question as
// spans. Knows folders of results, sessions and the recorder.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Error: no such run or case, a model or source that is another than the run's.
[[nodiscard]] capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
