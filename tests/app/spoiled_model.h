// A copy of a checkpoint that a test corrupts: one field, one tensor, one file. Follows the public file formats; must
// not use KVAtlas's readers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace kvatlas::app_test {

class SpoiledModel {
 public:
  // Copies the checkpoint's files to `folder`.
  SpoiledModel(const std::filesystem::path& original, std::filesystem::path folder);

  [[nodiscard]] std::string path() const { return m_folder.string(); }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return m_folder / name; }

  using Edit = std::function<void(nlohmann::json&)>;
  void editJson(const std::string& file, const Edit& edit) const;
  void editTensors(const Edit& edit) const;  // the header of model.safetensors; its data stay unchanged
  void scaleTensor(const std::string& name, double factor) const;  // f32; stays finite
  void write(const std::string& file, const std::string& bytes) const;
  void setHeaderLength(std::uint64_t length) const;  // the length field only
  void shorten(const std::string& file, std::uint64_t bytes) const;
  void remove(const std::string& file) const;

 private:
  std::filesystem::path m_folder;
};

// A Llama of `layers` × 0.8 M bf16 zeros in a sparse file: it takes no disk space, but time to load.
void writeHollowModel(const std::filesystem::path& folder, int layers);

}  // namespace kvatlas::app_test
