// Reading small files and JSON with errors that name the file; knows no format of KVAtlas.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace kvatlas {

// The whole file as bytes. Error when missing, a folder, unreadable or larger than max_bytes.
[[nodiscard]] std::string readFile(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

// Parsed JSON; Error names file and position.
[[nodiscard]] nlohmann::json readJsonFile(const std::filesystem::path& path);

// Writes under a temporary name beside the target, syncs and renames: the final name holds all or nothing. A folder,
// device, pipe or link under that name is an Error, never replaced.
void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace kvatlas
