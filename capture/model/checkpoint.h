// The safetensors files of a checkpoint folder, one or sharded by an index; knows no layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "capture/model/safetensors.h"
#include "capture/model/weight_source.h"

namespace kvatlas::capture {

class Checkpoint : public WeightSource {
 public:
  // model.safetensors, else the shards model.safetensors.index.json names. Error names the file that is missing or
  // broken.
  explicit Checkpoint(const std::filesystem::path& folder);

  [[nodiscard]] bool has(const std::string& name) const override;
  [[nodiscard]] at::Tensor load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                                at::Device device) const override;
  // Shards in name order; a header is the length field and the JSON.
  [[nodiscard]] std::string fingerprint() const override;

 private:
  void openShards(const std::filesystem::path& folder, const std::filesystem::path& index);
  [[nodiscard]] const SafetensorsFile& shardOf(const std::string& name) const;

  std::filesystem::path m_folder;
  std::map<std::string, SafetensorsFile> m_shards;     // by file name
  std::map<std::string, std::string> m_shard_of_name;  // from the index; empty for a single file
};

}  // namespace kvatlas::capture
