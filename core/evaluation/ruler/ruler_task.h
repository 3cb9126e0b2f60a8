// The RULER task: generated rows of exact lengths, or published rows from files.
#pragma once

#include <memory>

#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

// UsageError: a length out of reach. Error: a missing source or file, a damaged row.
[[nodiscard]] std::unique_ptr<Task> openRulerTask(const TaskRequest& request, const TaskModel& model,
                                                  Progress& progress);

}  // namespace kvatlas::evaluation
