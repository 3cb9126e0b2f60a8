// A file mapped read-only into memory; knows nothing of its content.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace kvatlas {

class MappedFile {
 public:
  // Error when missing, not a regular file (links to one are), or unreadable. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data, m_size}; }
  // Gives the whole pages within `part` back to the system; a later access reads them from the file again.
  void release(std::span<const std::byte> part) const;

 private:
  std::filesystem::path m_path;
  const std::byte* m_data = nullptr;
  std::size_t m_size = 0;
};

}  // namespace kvatlas
