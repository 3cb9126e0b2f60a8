// The needle task: plants facts in a haystack at many lengths and depths and asks for them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/evaluation/options.h"
#include "core/evaluation/plan.h"
#include "core/evaluation/task.h"

namespace kvatlas::evaluation {

inline constexpr const char* kHaystackSource = "haystack";

// `uncut`: answers are not ended by the length of the right one.
[[nodiscard]] TaskRequest needleRequest(const PromptPlan& plan, Score score,
                                        std::vector<std::filesystem::path> haystack, bool uncut = false);

// UsageError: an invalid plan or length. Error: values that are not a needle run's, a missing haystack.
[[nodiscard]] std::unique_ptr<Task> openNeedleTask(const TaskRequest& request, const TaskModel& model,
                                                   Progress& progress);

}  // namespace kvatlas::evaluation
