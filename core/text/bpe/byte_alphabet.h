// The 256 printable characters that stand for bytes in byte-level vocabularies (GPT-2's table); knows no tokenizer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvatlas::text {

// Bytes that are printable in Latin-1 stand for themselves, the others in order for U+0100, U+0101, ….
[[nodiscard]] std::uint32_t byteToCharacter(unsigned char byte);
// The bytes a piece of valid UTF-8 stands for; empty when one of its characters stands for none.
[[nodiscard]] std::optional<std::string> bytesOfPiece(std::string_view piece);

}  // namespace kvatlas::text
