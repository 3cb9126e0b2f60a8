// Reads little-endian fields one after another and never past the end; every error names the file and the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace kvatlas::gguf {

// A name out of a file as it can stand in a message: no control characters, at most 80 bytes.
[[nodiscard]] std::string printable(std::string_view name);

class Cursor {
 public:
  Cursor(const std::filesystem::path& path, std::span<const std::byte> bytes) : m_path(path), m_bytes(bytes) {}

  // What is read from here on, for messages.
  void enter(std::string field) { m_field = std::move(field); }
  [[nodiscard]] std::size_t position() const { return m_position; }
  [[nodiscard]] std::size_t left() const { return m_bytes.size() - m_position; }

  template <class Number>
  [[nodiscard]] Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  // Error when fewer are left.
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t bytes);
  // A length of 8 bytes and the text. Error beyond most_bytes.
  [[nodiscard]] std::string_view text(std::uint64_t most_bytes);

  // Error "file: field: …".
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  const std::filesystem::path& m_path;
  std::span<const std::byte> m_bytes;
  std::size_t m_position = 0;
  std::string m_field;
};

}  // namespace kvatlas::gguf
