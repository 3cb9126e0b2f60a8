// Runs an evaluation: one prefill per case serves all methods and budgets; each case's scores are written at once.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Resumes the run in the folder. Error / UsageError before anything is computed: an impossible plan, source or length,
// or a folder of another run. Cancelled: finished cases are kept.
[[nodiscard]] EvaluationSummary runEvaluation(const EvaluationOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
