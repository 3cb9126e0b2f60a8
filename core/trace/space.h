// Whether a disk can hold a trace that is about to be written; knows paths and numbers only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kvatlas::trace {

// What an unprivileged writer may still put beside `target`; empty where the system does not tell.
[[nodiscard]] std::optional<std::uint64_t> freeBytesFor(const std::filesystem::path& target);

// Error naming what is needed, what is free and `remedy`, the options that make the trace smaller.
void requireSpace(const std::filesystem::path& target, std::uint64_t needed, std::optional<std::uint64_t> free,
                  const std::string& remedy);

// "5.8 GB", "366 MB", "12 kB".
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace kvatlas::trace
