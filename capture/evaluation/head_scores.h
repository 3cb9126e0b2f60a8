// Scores every query head by how it attends to planted facts while the model answers.
#pragma once

#include "capture/evaluation/evaluation_options.h"
#include "core/base/progress.h"

namespace kvatlas::evaluation {

// Writes {"layer-head": [score of each counted case, …], …}. Finished cases wait in "<output>.cases", from where a
// stopped run goes on; the file is removed at the end. Error: a table of other settings is under way there, or no case
// counts.
[[nodiscard]] HeadScoreSummary runHeadScores(const HeadScoreOptions& options, const WorkContext& work);

}  // namespace kvatlas::evaluation
