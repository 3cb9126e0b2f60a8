// What a clone without git-lfs leaves in place of a large file; knows no format.
#pragma once

#include <filesystem>
#include <string_view>

namespace kvatlas {

// Error where the bytes, the beginning of the file, are a Git LFS pointer.
void refuseLfsPointer(const std::filesystem::path& path, std::string_view bytes);

}  // namespace kvatlas
