// How much memory this process can still get; knows no model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace kvatlas {

// Bytes: what the system calls available (free, or dropped at once) and free swap, or what the control groups of this
// process leave (a container's, a batch system's; version 1 or 2), whichever is less. Empty where the system does not
// tell. `root`: the folder that holds proc and sys.
[[nodiscard]] std::optional<std::uint64_t> availableMemory(const std::filesystem::path& root = "/");

}  // namespace kvatlas
