// The LongBench task: the published rows, templates, cuts, stops and scores.
#pragma once

#include <memory>

#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

// Error: a missing folder, set, template or field, or no dictionary for Chinese answers.
[[nodiscard]] std::unique_ptr<Task> openLongBenchTask(const TaskRequest& request, const TaskModel& model,
                                                      Progress& progress);

}  // namespace kvatlas::evaluation
