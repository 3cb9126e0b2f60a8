// The safetensors files of a checkpoint folder: a single file, or shards with an index.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "capture/model/safetensors.h"

namespace kvatlas::capture {

class Checkpoint {
 public:
  // model.safetensors, else the shards in model.safetensors.index.json. Error names the missing or broken file.
  explicit Checkpoint(const std::filesystem::path& folder);

  [[nodiscard]] bool has(const std::string& name) const;
  // The tensor in `dtype` on `device`. If the file already holds that type: a read-only view that keeps the mapping
  // alive; otherwise a copy, and the mapped pages are released. Error names file, tensor, expected and found shape or
  // dtype.
  [[nodiscard]] at::Tensor load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                                at::Device device) const;
  // SHA-256 in lower-case hex over, for each shard in name order: its file name, a zero byte, its size as 8
  // little-endian bytes, its header (length field and JSON).
  [[nodiscard]] std::string fingerprint() const;

 private:
  void openShards(const std::filesystem::path& folder, const std::filesystem::path& index);
  [[nodiscard]] const SafetensorsFile& shardOf(const std::string& name) const;

  std::filesystem::path m_folder;
  std::map<std::string, SafetensorsFile> m_shards;     // by file name
  std::map<std::string, std::string> m_shard_of_name;  // from the index; empty for a single file
};

}  // namespace kvatlas::capture
