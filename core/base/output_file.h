// A file that grows piece by piece under a temporary name and appears under its own name when it is whole; knows no
// format.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace kvatlas {

class OutputFile {
 public:
  // Error: the folder is missing or may not be written; a folder, device, pipe or link of that name is never replaced.
  explicit OutputFile(const std::filesystem::path& target);
  ~OutputFile();  // without complete(): nothing is left
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void complete();  // synced and renamed

 private:
  void flush();

  std::filesystem::path m_target;
  std::string m_part, m_buffer;
  int m_file = -1;
};

}  // namespace kvatlas
