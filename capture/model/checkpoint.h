// The safetensors files of a checkpoint folder: a single file, or shards with an index.
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
  // model.safetensors, else the shards in model.safetensors.index.json. Error names the missing or broken file.
  // Whatever prefix the files give the decoder's tensors ("", "language_model.model."), here it is "model.".
  explicit Checkpoint(const std::filesystem::path& folder);

  [[nodiscard]] bool has(const std::string& name) const override;
  [[nodiscard]] at::Tensor load(const std::string& name, std::span<const std::int64_t> shape, at::ScalarType dtype,
                                at::Device device) const override;
  void release(const std::string& name) const override;
  // Shards in name order; a header is the length field and the JSON.
  [[nodiscard]] std::string fingerprint() const override;

 private:
  void openShards(const std::filesystem::path& folder, const std::filesystem::path& index);
  void findPrefix();
  [[nodiscard]] std::string storedName(const std::string& name) const;
  [[nodiscard]] const SafetensorsFile* holder(const std::string& stored_name) const;
  [[nodiscard]] const SafetensorsFile& shardOf(const std::string& stored_name) const;

  std::filesystem::path m_folder;
  std::map<std::string, SafetensorsFile> m_shards;     // by file name
  std::map<std::string, std::string> m_shard_of_name;  // from the index; empty for a single file
  std::string m_prefix = "model.";                     // of the decoder's tensors in the files
};

}  // namespace kvatlas::capture
