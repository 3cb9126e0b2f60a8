// The needle task: facts planted in a haystack at many lengths and depths, and asked for.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/evaluation/options.h"
#include "core/evaluation/plan.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

inline constexpr const char* kHaystackSource = "haystack";

[[nodiscard]] TaskRequest needleRequest(const PromptPlan& plan, Score score,
                                        std::vector<std::filesystem::path> haystack);

// UsageError: a plan or length that cannot be. Error: values that are not a needle run's, a haystack that is not there.
[[nodiscard]] std::unique_ptr<Task> openNeedleTask(const TaskRequest& request, const TaskModel& model,
                                                   Progress& progress);

}  // namespace kvatlas::evaluation
