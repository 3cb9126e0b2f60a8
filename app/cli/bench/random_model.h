// Writes a checkpoint of random weights, so that speed can be measured without downloading one; knows shapes and the
// safetensors layout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace kvatlas::app {

struct ModelShape {
  const char* name;
  const char* description;
  std::uint32_t layers, hidden, intermediate, query_heads, kv_heads, head_dim, vocabulary;
};

// The shape of that name, or UsageError naming those that exist.
[[nodiscard]] const ModelShape& modelShape(const std::string& name);

// config.json and model.safetensors (f32, the same numbers every time) in an existing folder.
void writeRandomModel(const ModelShape& shape, const std::filesystem::path& folder);

}  // namespace kvatlas::app
