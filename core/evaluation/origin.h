// Where a run found its model and sources: a file beside the settings, since it does not decide the outcome.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/evaluation/task_request.h"

namespace kvatlas::evaluation {

inline constexpr const char* kOriginFile = "origin.json";

struct Origin {
  std::filesystem::path model;
  Sources sources;
};

void writeOrigin(const std::filesystem::path& results, const Origin& origin);
// Empty when there is no such file. Error when it does not say the model and every source of `names`.
[[nodiscard]] Origin readOrigin(const std::filesystem::path& results, const std::vector<std::string>& names);

}  // namespace kvatlas::evaluation
