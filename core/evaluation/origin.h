// Where a run read its model and sources from: a file beside the settings, because it does not affect the outcome.
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
// Empty if the file does not exist. Error if it lacks the model or a source of `names`.
[[nodiscard]] Origin readOrigin(const std::filesystem::path& results, const std::vector<std::string>& names);

}  // namespace kvatlas::evaluation
