// Reads small files and JSON, with errors that name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace kvatlas {

// The whole file as bytes. Error if it is missing, a folder, unreadable or larger than max_bytes.
[[nodiscard]] std::string readFile(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

// Parsed JSON; Error names file and position.
[[nodiscard]] nlohmann::json readJsonFile(const std::filesystem::path& path);

// The object in the file; nothing without the file. Error if it holds another kind of value.
[[nodiscard]] std::optional<nlohmann::json> readJsonObjectIfThere(const std::filesystem::path& path);

// Writes to a temporary name beside the target, syncs and renames, so that the final name never holds a partial file.
// Error for a folder, device, pipe or link of that name; it is never replaced.
void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace kvatlas
