// Interface to a checkpoint's weights: tensors by their Hugging Face names.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "capture/model/config.h"

namespace kvatlas::capture {

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  [[nodiscard]] virtual bool has(const std::string& name) const = 0;
  // The tensor in `dtype` on `device`. If the file already holds that type: a read-only view that keeps the mapping
  // alive; otherwise a copy, and the mapped pages are released. Error names file, tensor, expected and found shape or
  // dtype.
  [[nodiscard]] virtual at::Tensor load(const std::string& name, std::span<const std::int64_t> shape,
                                        at::ScalarType dtype, at::Device device) const = 0;
  // Lets the system drop the pages of a tensor whose view is no longer read.
  virtual void release(const std::string& name) const = 0;
  // SHA-256 in lower-case hex over, for each file in order: its name, a zero byte, its size as 8 little-endian bytes,
  // its header.
  [[nodiscard]] virtual std::string fingerprint() const = 0;
};

// The safetensors files of a folder, or a GGUF file with its parts.
[[nodiscard]] std::unique_ptr<const WeightSource> openWeights(const std::filesystem::path& model,
                                                              const ModelConfig& config);

}  // namespace kvatlas::capture
