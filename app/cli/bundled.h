// Finds the files bundled with KVAtlas, in the source tree or an installation.
#pragma once

#include <filesystem>
#include <string>

namespace kvatlas::app {

// "models/tiny-llama", "samples/persuasion.txt"; empty when not found.
[[nodiscard]] std::filesystem::path bundled(const std::string& relative);

}  // namespace kvatlas::app
