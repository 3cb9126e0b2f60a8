// Numbers as the short texts that the page's script reads (resources/page/data.js).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::page {

// Smaller probabilities share the lowest code.
inline constexpr double kSmallestExponent = -28;

// The bytes of `bytes` in base64, padded.
[[nodiscard]] std::string base64(std::span<const std::uint8_t> bytes);
[[nodiscard]] constexpr std::uint64_t base64Size(std::uint64_t bytes) {
  return (bytes + 2) / 3 * 4;
}

// A probability as a byte: 0 is zero, else 1 + 254 · (log₂ p + 28) / 28, at least 1.
[[nodiscard]] std::uint8_t byteOfProbability(double probability);
// The same of a log₂ code of the trace.
[[nodiscard]] std::uint8_t byteOfCode(std::uint16_t code);

// Ascending positions as ranges: for each, the gap before it and its length, in groups of 7 bits, lowest first.
[[nodiscard]] std::vector<std::uint8_t> packRanges(std::span<const TokenIndex> positions);

// The largest of each of at most `most` bins, on a log scale of 12 powers of two below the largest of all: 0 … 255.
[[nodiscard]] std::vector<std::uint8_t> logBins(std::span<const float> values, std::size_t most);

// Texts of the tokens. A character of several tokens belongs to the first.
[[nodiscard]] std::vector<std::string> tokenTexts(const std::string& text, std::span<const std::uint64_t> offsets);

}  // namespace kvatlas::page
