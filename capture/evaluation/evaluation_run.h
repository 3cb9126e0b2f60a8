// An evaluation: every case of a task through one prefill for all methods and budgets, its answers scored and written
// as they come. Knows sessions and folders of results, no terminal and no task by name.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Continues what stands in the folder. Error / UsageError before anything is computed: a plan, source or length that
// cannot be, a folder of another run. Cancelled: the cases so far are kept.
[[nodiscard]] EvaluationSummary runEvaluation(const EvaluationOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
