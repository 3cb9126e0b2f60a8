// Replays one case of a run and records it as a trace: same prompt, methods and budgets; needle and question as spans.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "core/base/progress.h"
#include "core/text/prepared_prompt.h"

namespace kvatlas::evaluation {

// The case's prompt with its spans, and "answer" where the text of a right answer stands. Reads no weights. Errors as
// below.
[[nodiscard]] text::PreparedPrompt promptOfCase(const ReplayOptions& options);

// Error: no such run or case, or a model or source that differs from the run's.
[[nodiscard]] capture::CaptureSummary captureCase(const ReplayOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
