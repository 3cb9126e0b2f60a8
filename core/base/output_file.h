// Writes a file under a temporary name and renames it to its own name
// when complete.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace kvatlas {

class OutputFile {
 public:
  // Error: the folder is missing or not writable. A folder, device, pipe or link of that name is never replaced.
  explicit OutputFile(const std::filesystem::path& target);
  ~OutputFile();  // without complete(): deletes the file
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void complete();  // syncs and renames

 private:
  void flush();

  std::filesystem::path m_target;
  std::string m_part, m_buffer;
  int m_file = -1;
};

}  // namespace kvatlas
