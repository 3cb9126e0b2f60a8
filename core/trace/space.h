// Checks whether a disk has room for a trace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kvatlas::trace {

// Bytes available to an unprivileged writer beside `target`; empty if the system does not report it.
[[nodiscard]] std::optional<std::uint64_t> freeBytesFor(const std::filesystem::path& target);

// Error naming the needed bytes, the free bytes and `remedy`, the options that make the trace smaller.
void requireSpace(const std::filesystem::path& target, std::uint64_t needed, std::optional<std::uint64_t> free,
                  const std::string& remedy);

// "5.8 GB", "366 MB", "12 kB".
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace kvatlas::trace
