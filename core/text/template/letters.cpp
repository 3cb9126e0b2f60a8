#include "core/text/template/letters.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/utf8.h"

namespace kvatlas::text::jinja {
namespace {

using Letter = std::pair<std::uint32_t, std::string_view>;

// Unicode's SpecialCasing: letters that become several in capitals. Sorted.
constexpr std::array<Letter, 102> kCapitals{{{0x00DF, "SS"},
                                             {0x0149, "\u02BCN"},
                                             {0x01F0, "J\u030C"},
                                             {0x0390, "\u0399\u0308\u0301"},
                                             {0x03B0, "\u03A5\u0308\u0301"},
                                             {0x0587, "\u0535\u0552"},
                                             {0x1E96, "H\u0331"},
                                             {0x1E97, "T\u0308"},
                                             {0x1E98, "W\u030A"},
                                             {0x1E99, "Y\u030A"},
                                             {0x1E9A, "A\u02BE"},
                                             {0x1F50, "\u03A5\u0313"},
                                             {0x1F52, "\u03A5\u0313\u0300"},
                                             {0x1F54, "\u03A5\u0313\u0301"},
                                             {0x1F56, "\u03A5\u0313\u0342"},
                                             {0x1F80, "\u1F08\u0399"},
                                             {0x1F81, "\u1F09\u0399"},
                                             {0x1F82, "\u1F0A\u0399"},
                                             {0x1F83, "\u1F0B\u0399"},
                                             {0x1F84, "\u1F0C\u0399"},
                                             {0x1F85, "\u1F0D\u0399"},
                                             {0x1F86, "\u1F0E\u0399"},
                                             {0x1F87, "\u1F0F\u0399"},
                                             {0x1F88, "\u1F08\u0399"},
                                             {0x1F89, "\u1F09\u0399"},
                                             {0x1F8A, "\u1F0A\u0399"},
                                             {0x1F8B, "\u1F0B\u0399"},
                                             {0x1F8C, "\u1F0C\u0399"},
                                             {0x1F8D, "\u1F0D\u0399"},
                                             {0x1F8E, "\u1F0E\u0399"},
                                             {0x1F8F, "\u1F0F\u0399"},
                                             {0x1F90, "\u1F28\u0399"},
                                             {0x1F91, "\u1F29\u0399"},
                                             {0x1F92, "\u1F2A\u0399"},
                                             {0x1F93, "\u1F2B\u0399"},
                                             {0x1F94, "\u1F2C\u0399"},
                                             {0x1F95, "\u1F2D\u0399"},
                                             {0x1F96, "\u1F2E\u0399"},
                                             {0x1F97, "\u1F2F\u0399"},
                                             {0x1F98, "\u1F28\u0399"},
                                             {0x1F99, "\u1F29\u0399"},
                                             {0x1F9A, "\u1F2A\u0399"},
                                             {0x1F9B, "\u1F2B\u0399"},
                                             {0x1F9C, "\u1F2C\u0399"},
                                             {0x1F9D, "\u1F2D\u0399"},
                                             {0x1F9E, "\u1F2E\u0399"},
                                             {0x1F9F, "\u1F2F\u0399"},
                                             {0x1FA0, "\u1F68\u0399"},
                                             {0x1FA1, "\u1F69\u0399"},
                                             {0x1FA2, "\u1F6A\u0399"},
                                             {0x1FA3, "\u1F6B\u0399"},
                                             {0x1FA4, "\u1F6C\u0399"},
                                             {0x1FA5, "\u1F6D\u0399"},
                                             {0x1FA6, "\u1F6E\u0399"},
                                             {0x1FA7, "\u1F6F\u0399"},
                                             {0x1FA8, "\u1F68\u0399"},
                                             {0x1FA9, "\u1F69\u0399"},
                                             {0x1FAA, "\u1F6A\u0399"},
                                             {0x1FAB, "\u1F6B\u0399"},
                                             {0x1FAC, "\u1F6C\u0399"},
                                             {0x1FAD, "\u1F6D\u0399"},
                                             {0x1FAE, "\u1F6E\u0399"},
                                             {0x1FAF, "\u1F6F\u0399"},
                                             {0x1FB2, "\u1FBA\u0399"},
                                             {0x1FB3, "\u0391\u0399"},
                                             {0x1FB4, "\u0386\u0399"},
                                             {0x1FB6, "\u0391\u0342"},
                                             {0x1FB7, "\u0391\u0342\u0399"},
                                             {0x1FBC, "\u0391\u0399"},
                                             {0x1FC2, "\u1FCA\u0399"},
                                             {0x1FC3, "\u0397\u0399"},
                                             {0x1FC4, "\u0389\u0399"},
                                             {0x1FC6, "\u0397\u0342"},
                                             {0x1FC7, "\u0397\u0342\u0399"},
                                             {0x1FCC, "\u0397\u0399"},
                                             {0x1FD2, "\u0399\u0308\u0300"},
                                             {0x1FD3, "\u0399\u0308\u0301"},
                                             {0x1FD6, "\u0399\u0342"},
                                             {0x1FD7, "\u0399\u0308\u0342"},
                                             {0x1FE2, "\u03A5\u0308\u0300"},
                                             {0x1FE3, "\u03A5\u0308\u0301"},
                                             {0x1FE4, "\u03A1\u0313"},
                                             {0x1FE6, "\u03A5\u0342"},
                                             {0x1FE7, "\u03A5\u0308\u0342"},
                                             {0x1FF2, "\u1FFA\u0399"},
                                             {0x1FF3, "\u03A9\u0399"},
                                             {0x1FF4, "\u038F\u0399"},
                                             {0x1FF6, "\u03A9\u0342"},
                                             {0x1FF7, "\u03A9\u0342\u0399"},
                                             {0x1FFC, "\u03A9\u0399"},
                                             {0xFB00, "FF"},
                                             {0xFB01, "FI"},
                                             {0xFB02, "FL"},
                                             {0xFB03, "FFI"},
                                             {0xFB04, "FFL"},
                                             {0xFB05, "ST"},
                                             {0xFB06, "ST"},
                                             {0xFB13, "\u0544\u0546"},
                                             {0xFB14, "\u0544\u0535"},
                                             {0xFB15, "\u0544\u053B"},
                                             {0xFB16, "\u054E\u0546"},
                                             {0xFB17, "\u0544\u053D"}}};

// Letters whose form at the head of a capitalised word is not the first of their capitals. Sorted. (Georgian ones,
// which stay as they are, are treated below.)
constexpr std::array<Letter, 76> kTitles{{{0x0149, "\u02BCN"},
                                          {0x01C4, "\u01C5"},
                                          {0x01C5, "\u01C5"},
                                          {0x01C6, "\u01C5"},
                                          {0x01C7, "\u01C8"},
                                          {0x01C8, "\u01C8"},
                                          {0x01C9, "\u01C8"},
                                          {0x01CA, "\u01CB"},
                                          {0x01CB, "\u01CB"},
                                          {0x01CC, "\u01CB"},
                                          {0x01F1, "\u01F2"},
                                          {0x01F2, "\u01F2"},
                                          {0x01F3, "\u01F2"},
                                          {0x1F80, "\u1F88"},
                                          {0x1F81, "\u1F89"},
                                          {0x1F82, "\u1F8A"},
                                          {0x1F83, "\u1F8B"},
                                          {0x1F84, "\u1F8C"},
                                          {0x1F85, "\u1F8D"},
                                          {0x1F86, "\u1F8E"},
                                          {0x1F87, "\u1F8F"},
                                          {0x1F88, "\u1F88"},
                                          {0x1F89, "\u1F89"},
                                          {0x1F8A, "\u1F8A"},
                                          {0x1F8B, "\u1F8B"},
                                          {0x1F8C, "\u1F8C"},
                                          {0x1F8D, "\u1F8D"},
                                          {0x1F8E, "\u1F8E"},
                                          {0x1F8F, "\u1F8F"},
                                          {0x1F90, "\u1F98"},
                                          {0x1F91, "\u1F99"},
                                          {0x1F92, "\u1F9A"},
                                          {0x1F93, "\u1F9B"},
                                          {0x1F94, "\u1F9C"},
                                          {0x1F95, "\u1F9D"},
                                          {0x1F96, "\u1F9E"},
                                          {0x1F97, "\u1F9F"},
                                          {0x1F98, "\u1F98"},
                                          {0x1F99, "\u1F99"},
                                          {0x1F9A, "\u1F9A"},
                                          {0x1F9B, "\u1F9B"},
                                          {0x1F9C, "\u1F9C"},
                                          {0x1F9D, "\u1F9D"},
                                          {0x1F9E, "\u1F9E"},
                                          {0x1F9F, "\u1F9F"},
                                          {0x1FA0, "\u1FA8"},
                                          {0x1FA1, "\u1FA9"},
                                          {0x1FA2, "\u1FAA"},
                                          {0x1FA3, "\u1FAB"},
                                          {0x1FA4, "\u1FAC"},
                                          {0x1FA5, "\u1FAD"},
                                          {0x1FA6, "\u1FAE"},
                                          {0x1FA7, "\u1FAF"},
                                          {0x1FA8, "\u1FA8"},
                                          {0x1FA9, "\u1FA9"},
                                          {0x1FAA, "\u1FAA"},
                                          {0x1FAB, "\u1FAB"},
                                          {0x1FAC, "\u1FAC"},
                                          {0x1FAD, "\u1FAD"},
                                          {0x1FAE, "\u1FAE"},
                                          {0x1FAF, "\u1FAF"},
                                          {0x1FB2, "\u1FBA\u0345"},
                                          {0x1FB3, "\u1FBC"},
                                          {0x1FB4, "\u0386\u0345"},
                                          {0x1FB7, "\u0391\u0342\u0345"},
                                          {0x1FBC, "\u1FBC"},
                                          {0x1FC2, "\u1FCA\u0345"},
                                          {0x1FC3, "\u1FCC"},
                                          {0x1FC4, "\u0389\u0345"},
                                          {0x1FC7, "\u0397\u0342\u0345"},
                                          {0x1FCC, "\u1FCC"},
                                          {0x1FF2, "\u1FFA\u0345"},
                                          {0x1FF3, "\u1FFC"},
                                          {0x1FF4, "\u038F\u0345"},
                                          {0x1FF7, "\u03A9\u0342\u0345"},
                                          {0x1FFC, "\u1FFC"}}};

// The simple mappings come from the C library, whatever language the user's environment sets.
locale_t unicode() {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return kLocale;
}

void appendUpper(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point >= 'a' && code_point <= 'z' ? code_point - 32 : code_point);
    return;
  }
  const auto special = std::ranges::lower_bound(kCapitals, code_point, {}, &Letter::first);
  if (special != kCapitals.end() && special->first == code_point)
    out += special->second;
  else
    appendUtf8(out, unicode() ? static_cast<std::uint32_t>(towupper_l(static_cast<wint_t>(code_point), unicode()))
                              : code_point);
}

void appendLower(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80)
    out += static_cast<char>(code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point);
  else if (code_point == 0x130)
    out += "i\u0307";
  else
    appendUtf8(out, unicode() ? static_cast<std::uint32_t>(towlower_l(static_cast<wint_t>(code_point), unicode()))
                              : code_point);
}

// The range of bytes that belongs to the last character.
std::size_t lastCharacter(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  const Utf8Unit unit = readUtf8(text.substr(at));
  return unit.valid && at + unit.length == text.size() ? at : text.size() - 1;
}

}  // namespace

bool isBlank(std::uint32_t code_point) {
  return isWhitespace(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

std::string_view stripLeft(std::string_view text) {
  while (!text.empty()) {
    const Utf8Unit first = readUtf8(text);
    if (!isBlank(first.code_point)) break;
    text.remove_prefix(first.length);
  }
  return text;
}

std::string_view stripRight(std::string_view text) {
  while (!text.empty()) {
    const std::size_t last = lastCharacter(text);
    if (!isBlank(readUtf8(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

std::string_view stripLeft(std::string_view text, std::string_view characters) {
  while (!text.empty()) {
    const std::size_t length = readUtf8(text).length;
    if (characters.find(text.substr(0, length)) == characters.npos) break;
    text.remove_prefix(length);
  }
  return text;
}

std::string_view stripRight(std::string_view text, std::string_view characters) {
  while (!text.empty()) {
    const std::size_t last = lastCharacter(text);
    if (characters.find(text.substr(last)) == characters.npos) break;
    text = text.substr(0, last);
  }
  return text;
}

bool isLetter(std::uint32_t code_point) {
  if (code_point < 0x80) return (code_point | 0x20) >= 'a' && (code_point | 0x20) <= 'z';
  return unicode() && iswalpha_l(static_cast<wint_t>(code_point), unicode()) != 0;
}

std::string upper(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(text.substr(at));
    if (unit.valid)
      appendUpper(out, unit.code_point);
    else
      out += text.substr(at, unit.length);
    at += unit.length;
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  bool after_letter = false;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(text.substr(at));
    const std::string_view rest = text.substr(at + unit.length);
    if (!unit.valid)
      out += text.substr(at, unit.length);
    else if (unit.code_point == 0x3A3 && after_letter && (rest.empty() || !isLetter(readUtf8(rest).code_point)))
      out += "\u03C2";
    else
      appendLower(out, unit.code_point);
    after_letter = unit.valid && isLetter(unit.code_point);
    at += unit.length;
  }
  return out;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return {};
  const Utf8Unit first = readUtf8(text);
  // Within the whole, for the last Σ of a word.
  const std::string rest = lower(text).substr(lower(text.substr(0, first.length)).size());
  const auto title = std::ranges::lower_bound(kTitles, first.code_point, {}, &Letter::first);
  if (title != kTitles.end() && title->first == first.code_point) return std::string(title->second) + rest;
  const bool georgian = first.code_point >= 0x10D0 && first.code_point <= 0x10FF;
  if (georgian) return std::string(text.substr(0, first.length)) + rest;
  const std::string capital = upper(text.substr(0, first.length));
  const std::size_t head = readUtf8(capital).length;  // ß → Ss: the first of several stays large
  return capital.substr(0, head) + lower(capital.substr(head)) + rest;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> all;
  all.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); at += all.back().size())
    all.push_back(text.substr(at, readUtf8(text.substr(at)).length));
  return all;
}

std::size_t characterCount(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += readUtf8(text.substr(at)).length) ++count;
  return count;
}

}  // namespace kvatlas::text::jinja
