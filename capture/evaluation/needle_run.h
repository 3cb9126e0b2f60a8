// A needle run: every prompt of a plan through one prefill for all methods and budgets, its answers scored and written
// as they come. Knows sessions and folders of results, no terminal.
#pragma once

#include "capture/evaluation/needle_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Continues what stands in the folder. Error / UsageError before anything is computed: a plan, haystack or length that
// cannot be, a folder of another run. Cancelled: the cases so far are kept.
[[nodiscard]] NeedleSummary runNeedle(const NeedleOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
