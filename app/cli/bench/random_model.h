// Writes a checkpoint of random weights, so that benchmarks need no download.
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

// The shape of that name. UsageError naming the known ones.
[[nodiscard]] const ModelShape& modelShape(const std::string& name);

// Writes config.json and model.safetensors (f32, reproducible) into an existing folder.
void writeRandomModel(const ModelShape& shape, const std::filesystem::path& folder);

}  // namespace kvatlas::app
