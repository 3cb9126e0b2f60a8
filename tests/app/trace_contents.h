// Everything an HDF5 file holds, member by member, as bytes: to compare files without trusting the project's own
// reader. Knows HDF5, not the trace format.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kvatlas::app_test {

// "/runs/000/kept/positions" or "/runs/000@method" → type, shape and raw bytes in one string.
using Contents = std::map<std::string, std::string>;

// Of a file that may still be growing or was never finished. Throws std::runtime_error where HDF5 refuses.
[[nodiscard]] Contents contentsOf(const std::filesystem::path& file);

// Members that are in one only or differ, but for those whose name ends with one of `but`.
[[nodiscard]] std::vector<std::string> differences(const Contents& a, const Contents& b,
                                                   const std::vector<std::string>& but = {});

}  // namespace kvatlas::app_test
