// Reads the wire format of Protocol Buffers field by field from untrusted bytes, without a schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvatlas::text {

struct ProtobufField {
  std::uint64_t number = 0;
  std::uint64_t varint = 0;             // wire type 0
  std::string_view bytes;               // wire type 2: the content; 1 and 5: the eight or four bytes
  [[nodiscard]] float asFloat() const;  // of four bytes; NaN otherwise
};

class ProtobufReader {
 public:
  // `where` names the message in errors. The bytes must outlive the fields.
  ProtobufReader(std::string_view bytes, const std::string& where) : m_bytes(bytes), m_where(where) {}

  // The next field; empty at the end. Error on a truncated or malformed field.
  [[nodiscard]] std::optional<ProtobufField> next();

 private:
  [[nodiscard]] std::uint64_t varint();
  [[nodiscard]] std::string_view take(std::uint64_t count);

  std::string_view m_bytes;
  std::size_t m_at = 0;
  const std::string& m_where;
};

}  // namespace kvatlas::text
