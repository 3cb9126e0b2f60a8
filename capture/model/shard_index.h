// model.safetensors.index.json of a checkpoint in several files.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace kvatlas::capture {

// Tensor name → name of a file in the same folder, at least one. Error names the index and its wrong member: no object
// of file names, a name that leads out of the folder.
[[nodiscard]] std::map<std::string, std::string> readShardIndex(const std::filesystem::path& index);

}  // namespace kvatlas::capture
