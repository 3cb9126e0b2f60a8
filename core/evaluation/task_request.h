// The input for creating a task: plain values that a command line or a folder of results can fill.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvatlas::evaluation {

using Sources = std::map<std::string, std::vector<std::filesystem::path>>;  // by name: "haystack"

inline constexpr const char* kDataSource = "data";  // rows of a published or own benchmark

struct TaskRequest {
  std::string name;
  nlohmann::json values;           // what Task::settings() returns, without what follows from the sources
  std::string where = "settings";  // names the values in errors
  Sources sources;
};

}  // namespace kvatlas::evaluation
