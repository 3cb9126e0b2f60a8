// The decoder part of tokenizer.json: from pieces back to text; knows no vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_field.h"

namespace kvatlas::text {

// Pieces on their way to text, end to end; each byte knows the token it came from.
struct DecodingText {
  std::string bytes;
  std::vector<std::uint32_t> owners;      // [bytes] ascending
  std::vector<std::size_t> piece_begins;  // ascending; empty pieces are allowed

  [[nodiscard]] std::size_t pieceEnd(std::size_t piece) const {
    return piece + 1 < piece_begins.size() ? piece_begins[piece + 1] : bytes.size();
  }
  [[nodiscard]] std::string_view piece(std::size_t index) const {
    return std::string_view(bytes).substr(piece_begins[index], pieceEnd(index) - piece_begins[index]);
  }
  void beginPiece() { piece_begins.push_back(bytes.size()); }
  void append(std::string_view text, std::uint32_t owner);
  // The bytes of `text` stand one by one for those of `from` at [begin, end); surplus ones go to the last of them.
  void appendFor(std::string_view text, const DecodingText& from, std::size_t begin, std::size_t end);
  void appendCopy(const DecodingText& from, std::size_t begin, std::size_t end);
};

class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  [[nodiscard]] virtual DecodingText apply(const DecodingText& in) const = 0;
};

// ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace and Sequences of them. Null: pieces joined by blanks.
// Error names file and component otherwise.
[[nodiscard]] std::vector<std::unique_ptr<const DecodeStep>> readDecoder(const std::optional<JsonField>& field);

}  // namespace kvatlas::text
