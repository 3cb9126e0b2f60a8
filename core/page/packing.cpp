#include "core/page/packing.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::page {
namespace {

constexpr double kBinPowers = 12;

void appendNumber(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  for (; value >= 128; value /= 128) bytes.push_back(static_cast<std::uint8_t>(value % 128 + 128));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

bool continuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::uint8_t byteOfExponent(double exponent) {
  const double scaled = 254.0 * (exponent - kSmallestExponent) / -kSmallestExponent;
  return static_cast<std::uint8_t>(1 + std::lround(std::clamp(scaled, 0.0, 254.0)));
}

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(base64Size(bytes.size()));
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (i + k < bytes.size() ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[group >> (18U - 6U * k) & 63U] : '=';
  }
  return text;
}

std::uint8_t byteOfCode(std::uint16_t code) {
  return code == 0 ? std::uint8_t{0} : byteOfExponent((code - 1) * (32.0 / 65534.0) - 32.0);
}

std::uint8_t byteOfProbability(double probability) {
  return probability > 0 ? byteOfExponent(std::log2(probability)) : std::uint8_t{0};
}

std::vector<std::uint8_t> packRanges(std::span<const TokenIndex> positions) {
  std::vector<std::uint8_t> bytes;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < positions.size();) {
    std::size_t last = i + 1;
    while (last < positions.size() && positions[last] == positions[last - 1] + 1) ++last;
    appendNumber(bytes, positions[i] - end);
    appendNumber(bytes, last - i);
    end = std::uint64_t{positions[last - 1]} + 1;
    i = last;
  }
  return bytes;
}

std::vector<std::uint8_t> logBins(std::span<const float> values, std::size_t most) {
  const std::size_t count = std::min(values.size(), most);
  std::vector<float> largest(count, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float& bin = largest[i * count / values.size()];
    bin = std::max(bin, values[i]);
  }
  const float top = count == 0 ? 0 : *std::ranges::max_element(largest);
  std::vector<std::uint8_t> bins(count, 0);
  for (std::size_t i = 0; i < count; ++i)
    if (largest[i] > 0)
      bins[i] = static_cast<std::uint8_t>(
          std::lround(255 * std::clamp(1 + std::log2(double{largest[i]} / top) / kBinPowers, 0.0, 1.0)));
  return bins;
}

std::vector<std::string> tokenTexts(const std::string& text, std::span<const std::uint64_t> offsets) {
  std::vector<std::uint64_t> bounds(offsets.begin(), offsets.end());
  for (std::uint64_t& bound : bounds)
    while (bound < text.size() && continuesCharacter(text[bound])) ++bound;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
    texts.push_back(text.substr(bounds[i], bounds[i + 1] - bounds[i]));
  return texts;
}

}  // namespace kvatlas::page
