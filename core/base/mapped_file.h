// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace kvatlas {

class MappedFile {
 public:
  // Error when missing, unreadable, or not a regular file (or a link to one). An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data, m_size}; }
  // Releases the whole pages within `part`; a later access reads them from the file again.
  void release(std::span<const std::byte> part) const;

 private:
  std::filesystem::path m_path;
  const std::byte* m_data = nullptr;
  std::size_t m_size = 0;
};

// Installs a handler of SIGBUS: when a mapped file becomes shorter while it is read, the process ends with one error
// line that names the file, and exit code 1. `programme` begins the line; it must be a literal.
void explainLostMappings(const char* programme);

}  // namespace kvatlas
