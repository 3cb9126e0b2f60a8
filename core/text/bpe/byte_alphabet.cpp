#include "core/text/bpe/byte_alphabet.h"

#include <array>

#include "core/base/utf8.h"

namespace kvatlas::text {
namespace {

constexpr bool standsForItself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint16_t, 256> makeCharacters() {
  std::array<std::uint16_t, 256> characters{};
  std::uint16_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    characters[byte] = standsForItself(byte) ? static_cast<std::uint16_t>(byte) : next++;
  }
  return characters;
}
constexpr std::array<std::uint16_t, 256> kCharacters = makeCharacters();
constexpr std::uint32_t kCharacterEnd = 256 + 68;  // 68 bytes do not stand for themselves

constexpr std::array<std::int16_t, kCharacterEnd> makeBytes() {
  std::array<std::int16_t, kCharacterEnd> bytes{};
  for (std::int16_t& byte : bytes) byte = -1;
  for (unsigned byte = 0; byte < 256; ++byte) bytes[kCharacters[byte]] = static_cast<std::int16_t>(byte);
  return bytes;
}
constexpr std::array<std::int16_t, kCharacterEnd> kBytes = makeBytes();

}  // namespace

std::uint32_t byteToCharacter(unsigned char byte) {
  return kCharacters[byte];
}

std::optional<std::string> bytesOfPiece(std::string_view piece) {
  std::string bytes;
  bytes.reserve(piece.size());
  for (std::size_t i = 0; i < piece.size(); i += utf8Length(piece[i])) {
    const std::uint32_t character = codePointAt(piece, i);
    if (character >= kCharacterEnd || kBytes[character] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(kBytes[character])));
  }
  return bytes;
}

}  // namespace kvatlas::text
