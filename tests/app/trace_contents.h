// The content of an HDF5 file as bytes, member by member, to compare files without KVAtlas's reader.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kvatlas::app_test {

// "/runs/000/kept/positions" or "/runs/000@method" → type, shape and raw bytes in one string.
using Contents = std::map<std::string, std::string>;

// The file may be unfinished or still growing. Throws std::runtime_error when HDF5 cannot read it.
[[nodiscard]] Contents contentsOf(const std::filesystem::path& file);

// Members that differ or exist in one only, except names that end with one of `but`.
[[nodiscard]] std::vector<std::string> differences(const Contents& a, const Contents& b,
                                                   const std::vector<std::string>& but = {});

}  // namespace kvatlas::app_test
