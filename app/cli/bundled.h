// What comes with KVAtlas, found beside the programme: in the source tree or an installation. Knows paths only.
#pragma once

#include <filesystem>
#include <string>

namespace kvatlas::app {

// "models/tiny-llama", "samples/persuasion.txt"; empty when it does not lie beside this programme.
[[nodiscard]] std::filesystem::path bundled(const std::string& relative);

}  // namespace kvatlas::app
