// What a folder is that should be a checkpoint: its name, its config.json, or what it is instead. Knows no content of
// a checkpoint.
#pragma once

#include <filesystem>
#include <string>

namespace kvatlas::capture {

// The folder's config.json. Error in one sentence that names what the folder is instead: a LoRA adapter, a folder of
// the Hugging Face cache above the checkpoint, a folder of GGUF files, …
[[nodiscard]] std::filesystem::path configFile(const std::filesystem::path& folder);

// "org/name" for a snapshot in the Hugging Face cache, else the folder's own name.
[[nodiscard]] std::string modelName(const std::filesystem::path& folder);

// Error: the folder has no safetensors weights, and what it has.
[[noreturn]] void refuseWithoutWeights(const std::filesystem::path& folder);

}  // namespace kvatlas::capture
