// Writes a safetensors file.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kvatlas::trainer {

// Tensors (f32 or bf16) in the order given, 64-byte aligned header, text metadata. Atomic: no partial file under the
// final name. Error names the file.
void writeSafetensors(const std::filesystem::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace kvatlas::trainer
