#include "core/text/template/text_search.h"

#include <string.h>

#include <algorithm>

#include "core/base/utf8.h"
#include "core/text/template/letters.h"

namespace kvatlas::text::jinja {
namespace {

std::string reversed(std::string_view text) {
  return {text.rbegin(), text.rend()};
}

bool isLineEnd(std::uint32_t code_point) {
  return (code_point >= 0x0A && code_point <= 0x0D) || (code_point >= 0x1C && code_point <= 0x1E) ||
         code_point == 0x85 || code_point == 0x2028 || code_point == 0x2029;
}

}  // namespace

// memmem takes linear time whatever is looked for; std::string_view::find does not.
std::size_t firstFound(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return 0;
  if (text.size() < wanted.size()) return text.npos;
  const void* found = ::memmem(text.data(), text.size(), wanted.data(), wanted.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : text.npos;
}

std::size_t lastFound(std::string_view text, std::string_view wanted) {
  const std::size_t from_end = firstFound(reversed(text), reversed(wanted));
  return from_end == text.npos ? text.npos : text.size() - from_end - wanted.size();
}

std::vector<std::size_t> findAll(std::string_view text, std::string_view wanted, std::int64_t most) {
  std::vector<std::size_t> found;
  for (std::size_t at = 0; most < 0 || static_cast<std::int64_t>(found.size()) < most;) {
    const std::size_t next = firstFound(text.substr(at), wanted);
    if (next == text.npos) break;
    found.push_back(at + next);
    at += next + wanted.size();
  }
  return found;
}

std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, std::int64_t most,
                                      bool from_right) {
  std::vector<std::size_t> places;
  if (from_right) {
    for (const std::size_t from_end : findAll(reversed(text), reversed(separator), most))
      places.push_back(text.size() - from_end - separator.size());
    std::ranges::reverse(places);
  } else {
    places = findAll(text, separator, most);
  }
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (const std::size_t at : places) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string_view> splitAtBlanks(std::string_view text, std::int64_t most, bool from_right) {
  std::vector<std::string_view> parts;
  const auto full = [&] { return most >= 0 && static_cast<std::int64_t>(parts.size()) >= most; };
  const auto blank = [](std::string_view character) { return isBlank(readUtf8(character).code_point); };
  std::vector<std::string_view> all = characters(text);
  const std::size_t size = all.size();
  const auto byteOf = [&](std::size_t at) {
    return at == size ? text.size() : static_cast<std::size_t>(all[at].data() - text.data());
  };
  const auto part = [&](std::size_t begin, std::size_t end) {
    return text.substr(byteOf(begin), byteOf(end) - byteOf(begin));
  };
  std::size_t begin = 0, end = size;
  while (true) {
    while (begin < end && blank(all[begin]) && !from_right) ++begin;
    while (begin < end && blank(all[end - 1]) && from_right) --end;
    if (begin == end) break;
    if (full()) {
      parts.push_back(from_right ? part(0, end) : part(begin, size));
      break;
    }
    std::size_t edge = from_right ? end : begin;
    if (from_right) {
      while (edge > begin && !blank(all[edge - 1])) --edge;
      parts.push_back(part(edge, end));
      end = edge;
    } else {
      while (edge < end && !blank(all[edge])) ++edge;
      parts.push_back(part(begin, edge));
      begin = edge;
    }
  }
  if (from_right) std::ranges::reverse(parts);
  return parts;
}

std::vector<std::string_view> splitLines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(text.substr(at));
    std::size_t next = at + unit.length;
    if (isLineEnd(unit.code_point)) {
      if (unit.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back(text.substr(begin, (keep_ends ? next : at) - begin));
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string replaceAll(std::string_view text, std::string_view old, std::string_view replacement, std::int64_t most,
                       Work& work) {
  work.charge(text.size());
  std::string out;
  if (old.empty()) {  // between all characters, before the first and behind the last
    std::int64_t left = most;
    const auto insert = [&] {
      if (left == 0) return;
      --left;
      work.charge(replacement.size());
      out += replacement;
    };
    insert();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = readUtf8(text.substr(at)).length;
      out += text.substr(at, length);
      at += length;
      insert();
    }
    return out;
  }
  std::size_t begin = 0;
  for (const std::size_t at : findAll(text, old, most)) {
    work.charge(replacement.size() + 8);
    out += text.substr(begin, at - begin);
    out += replacement;
    begin = at + old.size();
  }
  out += text.substr(begin);
  return out;
}

Value textList(const std::vector<std::string_view>& parts, Work& work) {
  std::vector<Value> values;
  work.chargeItems(parts.size());
  for (const std::string_view part : parts) values.push_back(work.text(std::string(part)));
  return work.sequence(SequenceKind::List, std::move(values));
}

}  // namespace kvatlas::text::jinja
