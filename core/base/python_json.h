// JSON as Python's `json` module reads it: NaN, Infinity and -Infinity are numbers; knows no file.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace kvatlas {

// Throws nlohmann::json::exception on what Python would refuse as well. The caller has looked at its depth
// (json_depth.h).
[[nodiscard]] nlohmann::json parsePythonJson(std::string_view text);

}  // namespace kvatlas
