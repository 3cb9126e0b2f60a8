// One case of a needle run once more, recorded as a trace: the same prompt, methods and budgets, needle and question as
// spans. Knows folders of results, sessions and the recorder.
#pragma once

#include "capture/evaluation/needle_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Error: no such run or case, a model or haystack that is another than the run's.
[[nodiscard]] capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
