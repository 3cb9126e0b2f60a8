#include "core/gguf/cursor.h"

#include <bit>

namespace kvatlas::gguf {

static_assert(std::endian::native == std::endian::little, "fields are copied as they lie in the file");

std::string printable(std::string_view name) {
  constexpr std::size_t most = 80;
  std::string result(name.substr(0, most));
  for (char& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  return name.size() > most ? result + "…" : result;
}

std::span<const std::byte> Cursor::take(std::uint64_t bytes) {
  if (bytes > left())
    refuse(fmt::format("{} bytes are needed at byte {}, the file ends at {} (truncated?)", bytes, m_position,
                       m_bytes.size()));
  const auto part = m_bytes.subspan(m_position, bytes);
  m_position += bytes;
  return part;
}

std::string_view Cursor::text(std::uint64_t most_bytes) {
  const auto length = number<std::uint64_t>();
  if (length > most_bytes) refuse(fmt::format("a text of {} bytes; at most {} are read here", length, most_bytes));
  const auto bytes = take(length);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void Cursor::refuse(const std::string& what) const {
  fail("{}: {}: {}", m_path.string(), m_field, what);
}

}  // namespace kvatlas::gguf
