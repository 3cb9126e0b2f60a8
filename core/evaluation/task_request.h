// What a task is made from: plain values, so that a command line and a folder of results can fill them.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvatlas::evaluation {

using Sources = std::map<std::string, std::vector<std::filesystem::path>>;  // by name: "haystack"

struct TaskRequest {
  std::string name;
  nlohmann::json values;           // what Task::settings() says, but for what follows from the sources
  std::string where = "settings";  // names the values in errors
  Sources sources;
};

}  // namespace kvatlas::evaluation
