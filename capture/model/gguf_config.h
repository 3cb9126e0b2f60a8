// The metadata of a GGUF model as the configuration of a decoder; knows no weights beyond their names.
#pragma once

#include <filesystem>

#include "capture/model/config.h"

namespace kvatlas::capture {

// Error names the file, the key and what was expected; an architecture or a part of one that is not run is refused by
// its name.
[[nodiscard]] ModelConfig loadGgufConfig(const std::filesystem::path& path);

}  // namespace kvatlas::capture
