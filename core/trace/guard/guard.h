// Loads and starts libkvatlas_guard.so in the process that vets a trace; knows nothing of traces. Without the library,
// as in builds with sanitizers, nothing changes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kvatlas::trace {

// NAME=VALUE of this process, and the library that stands beside `programme` among those to load first.
[[nodiscard]] std::vector<std::string> guardedEnvironment(const std::filesystem::path& programme);

// In a process with that environment: from now on a read or write beyond an allocation ends it.
void guardAllocations();
[[nodiscard]] bool guardsAllocations();  // whether it does

}  // namespace kvatlas::trace
