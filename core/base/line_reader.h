// A text file line by line, so that one of any size needs the memory of its longest line; knows no format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

// A row of a benchmark with its context. Parsed, JSON takes up to some thirty times its text.
inline constexpr std::size_t kMostRowBytes = std::size_t{64} << 20;

class LineReader {
 public:
  // Error when missing, a folder or unreadable. A line may have `most_bytes`, without its '\n'.
  LineReader(std::filesystem::path path, std::size_t most_bytes);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line without its '\n', or false at the end. Error naming the file, for a line over the limit its number.
  [[nodiscard]] bool next(std::string& line);
  // Whether the last line returned had its '\n': the last one of a file may have lost its rest.
  [[nodiscard]] bool ended() const { return m_ended; }
  // "FILE:LINE" of the last line returned, counted from 1.
  [[nodiscard]] std::string where() const;

 private:
  bool fill();  // false at the end of the file

  std::filesystem::path m_path;
  std::size_t m_most_bytes, m_number = 0;
  std::vector<char> m_buffer;
  std::string_view m_unread;  // of m_buffer
  int m_file = -1;
  bool m_ended = true;
};

}  // namespace kvatlas
