// A model in GGUF form: one file or the parts of a split one; knows no layer, no tokenizer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/gguf/container.h"

namespace kvatlas::gguf {

// A path that is to be read as GGUF: a name that ends in .gguf, or a file that begins as one.
[[nodiscard]] bool isModelFile(const std::filesystem::path& path);

class ModelFile {
 public:
  // A file, or any part "…-00002-of-00003.gguf" of a split one: all of them are opened. Error names the part that is
  // missing, broken or of another split.
  explicit ModelFile(const std::filesystem::path& path);

  // Of the first part, which holds them all.
  [[nodiscard]] const Metadata& metadata() const { return m_parts.front().metadata(); }
  [[nodiscard]] const std::filesystem::path& path() const { return metadata().path(); }
  [[nodiscard]] const std::vector<Container>& parts() const { return m_parts; }
  // The file's name without ".gguf" and without the number of a part.
  [[nodiscard]] std::string name() const;

  struct Found {
    const StoredTensor* tensor;
    const Container* part;
  };
  // {nullptr, nullptr} where no part has such a tensor.
  [[nodiscard]] Found find(std::string_view name) const;
  // SHA-256 in lower-case hex over, for each part in order: its file name, a zero byte, its size as 8 little-endian
  // bytes, its header (all bytes before the padding in front of the data).
  [[nodiscard]] std::string fingerprint() const;

 private:
  void checkParts() const;

  std::vector<Container> m_parts;
};

}  // namespace kvatlas::gguf
