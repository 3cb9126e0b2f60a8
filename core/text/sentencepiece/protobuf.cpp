#include "core/text/sentencepiece/protobuf.h"

#include <bit>
#include <cmath>

#include "core/base/error.h"

namespace kvatlas::text {

float ProtobufField::asFloat() const {
  if (bytes.size() != 4) return NAN;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return std::bit_cast<float>(bits);
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (m_at >= m_bytes.size()) fail("{}: ends within a number at byte {}", m_where, m_at);
    const auto byte = static_cast<unsigned char>(m_bytes[m_at++]);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail("{}: the number before byte {} has more than 64 bits", m_where, m_at);
}

std::string_view ProtobufReader::take(std::uint64_t count) {
  if (count > m_bytes.size() - m_at)
    fail("{}: byte {} announces {} bytes, {} are left", m_where, m_at, count, m_bytes.size() - m_at);
  const std::string_view taken = m_bytes.substr(m_at, count);
  m_at += count;
  return taken;
}

std::optional<ProtobufField> ProtobufReader::next() {
  if (m_at >= m_bytes.size()) return std::nullopt;
  const std::size_t start = m_at;
  const std::uint64_t tag = varint();
  ProtobufField field{.number = tag >> 3};
  switch (tag & 7) {
    case 0:
      field.varint = varint();
      break;
    case 1:
      field.bytes = take(8);
      break;
    case 2:
      field.bytes = take(varint());
      break;
    case 5:
      field.bytes = take(4);
      break;
    default:
      fail("{}: no field of a SentencePiece model begins at byte {}", m_where, start);
  }
  if (field.number == 0) fail("{}: no field of a SentencePiece model begins at byte {}", m_where, start);
  return field;
}

}  // namespace kvatlas::text
