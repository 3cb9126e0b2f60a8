// One GGUF file, version 2 or 3, little-endian: header checked, tensors as views into the mapping; knows no model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/mapped_file.h"
#include "core/gguf/metadata.h"
#include "core/gguf/tensor_type.h"

namespace kvatlas::gguf {

struct StoredTensor {
  TensorType type = TensorType::F32;
  std::vector<std::int64_t> shape;  // row-major as elsewhere: the last size is the one the file names first
  std::span<const std::byte> bytes;
};

class Container {
 public:
  // Error names file and field: no GGUF file, another version or byte order, counts, sizes or offsets that cannot be,
  // names that stand there twice, tensors outside the file or over each other. Nothing is allocated because of a
  // number in the file alone.
  explicit Container(const std::filesystem::path& path);

  [[nodiscard]] const Metadata& metadata() const { return m_metadata; }
  [[nodiscard]] const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return m_tensors; }
  [[nodiscard]] const std::shared_ptr<const MappedFile>& file() const { return m_file; }
  // From the file's first byte to the end of the last tensor's description.
  [[nodiscard]] std::span<const std::byte> header() const { return m_header; }

 private:
  void readTensors(Cursor& cursor, std::uint64_t count);

  std::shared_ptr<const MappedFile> m_file;
  Metadata m_metadata;
  std::map<std::string, StoredTensor, std::less<>> m_tensors;
  std::span<const std::byte> m_header;
};

}  // namespace kvatlas::gguf
