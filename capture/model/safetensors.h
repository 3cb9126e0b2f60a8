// One safetensors file: its header checked, its tensors as views into the mapping; knows no model.
// Format: 8 bytes little-endian header length, a JSON header, then the tensors' bytes (row-major, little-endian).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/mapped_file.h"

namespace kvatlas::capture {

struct StoredTensor {
  std::string dtype;  // as in the file: "F32", "BF16", …
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  // Error names file, tensor and field when the header is no safetensors header: absurd length, broken JSON, duplicate
  // names, unknown dtype, ranges outside the file, overlapping, or not as long as dtype and shape say. Holes are
  // allowed.
  explicit SafetensorsFile(const std::filesystem::path& path);

  // nullptr where the file has no such tensor.
  [[nodiscard]] const StoredTensor* find(const std::string& name) const;
  [[nodiscard]] const std::shared_ptr<const MappedFile>& file() const { return m_file; }
  // The length field and the JSON header.
  [[nodiscard]] std::span<const std::byte> header() const { return m_header; }

 private:
  std::shared_ptr<const MappedFile> m_file;
  std::span<const std::byte> m_header;
  std::map<std::string, StoredTensor> m_tensors;
};

}  // namespace kvatlas::capture
