#include "core/base/utf8.h"

#include <fmt/format.h>

namespace kvatlas {
namespace {

unsigned byteAt(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

struct LeadByte {
  std::uint32_t length = 0;  // 0: no character begins with this byte
  unsigned second_low = 0x80, second_high = 0xBF;
};

// The ranges of Unicode's table 3-7: they exclude overlong forms, surrogates and what lies beyond U+10FFFF.
LeadByte classifyLead(unsigned byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

Utf8Unit readUtf8(std::string_view bytes) {
  const unsigned first = byteAt(bytes, 0);
  if (first < 0x80) return {first, 1, true};
  const LeadByte lead = classifyLead(first);
  if (lead.length == 0) return {0xFFFD, 1, false};
  std::uint32_t code_point = first & (0x7Fu >> lead.length);
  for (std::uint32_t i = 1; i < lead.length; ++i) {
    const unsigned low = i == 1 ? lead.second_low : 0x80, high = i == 1 ? lead.second_high : 0xBF;
    if (i >= bytes.size() || byteAt(bytes, i) < low || byteAt(bytes, i) > high) return {0xFFFD, i, false};
    code_point = code_point << 6 | (byteAt(bytes, i) & 0x3F);
  }
  return {code_point, lead.length, true};
}

std::uint32_t codePointAt(std::string_view valid_text, std::size_t at) {
  const unsigned first = byteAt(valid_text, at);
  if (first < 0x80) return first;
  const std::size_t length = utf8Length(valid_text[at]);
  std::uint32_t code_point = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) code_point = code_point << 6 | (byteAt(valid_text, at + i) & 0x3F);
  return code_point;
}

void appendUtf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

namespace {

// bytes.size() where there is none.
std::size_t firstInvalid(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const Utf8Unit unit = readUtf8(bytes.substr(i, 4));
    if (!unit.valid) return i;
    i += unit.length;
  }
  return bytes.size();
}

}  // namespace

bool isValidUtf8(std::string_view bytes) {
  return firstInvalid(bytes) == bytes.size();
}

std::string utf8Notice(std::string_view bytes, const std::string& name) {
  const std::size_t at = firstInvalid(bytes);
  if (at == bytes.size()) return {};
  const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  return fmt::format("{}: {}byte {} is not UTF-8; what is not UTF-8 is read as U+FFFD", name,
                     utf16 ? "seems to be UTF-16: " : "", at);
}

bool isWhitespace(std::uint32_t code_point) {
  if (code_point < 0x80) return code_point == ' ' || (code_point >= 9 && code_point <= 13);
  return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 || code_point == 0x2029 ||
         code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

}  // namespace kvatlas
