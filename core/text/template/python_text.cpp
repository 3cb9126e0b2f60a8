#include "core/text/template/python_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/utf8.h"
#include "core/text/regex.h"

namespace kvatlas::text::jinja {
namespace {

// str.isprintable() of one character beyond ASCII.
bool isPrintable(std::string_view character) {
  static const Regex kHidden("[\\p{C}\\p{Z}]", "characters that repr() escapes");
  std::vector<Matcher::Range> found;
  Matcher(kHidden).findAll(character, found);
  return found.empty();
}

void appendEscaped(std::string& out, std::uint32_t code_point, std::string_view character) {
  if (code_point == '\n') {
    out += "\\n";
  } else if (code_point == '\r') {
    out += "\\r";
  } else if (code_point == '\t') {
    out += "\\t";
  } else if (code_point >= 0x20 && code_point < 0x7F) {
    out += character;
  } else if (code_point >= 0x80 && isPrintable(character)) {
    out += character;
  } else {
    out += code_point < 0x100     ? fmt::format("\\x{:02x}", code_point)
           : code_point < 0x10000 ? fmt::format("\\u{:04x}", code_point)
                                  : fmt::format("\\U{:08x}", code_point);
  }
}

std::string quoted(std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Unit unit = readUtf8(text.substr(at));
    if (unit.code_point == static_cast<std::uint32_t>(quote) || unit.code_point == '\\') out += '\\';
    const std::string_view character = text.substr(at, unit.length);
    if (unit.valid)
      appendEscaped(out, unit.code_point, character);
    else
      out += character;
    at += unit.length;
  }
  return out + quote;
}

std::string dictText(const Dict& dict, Work& work) {
  std::string out = "{";
  for (const auto& [key, value] : dict.members) {
    if (out.size() > 1) out += ", ";
    out += representation(key, work) + ": " + representation(value, work);
  }
  return out + "}";
}

std::string sequenceText(const Sequence& sequence, Work& work) {
  if (sequence.kind != SequenceKind::List && sequence.kind != SequenceKind::Tuple)
    throw Failure(fmt::format("a {} has no text of its own: make a list of it",
                              typeName(SequencePointer(&sequence, [](const Sequence*) {}))));
  const bool tuple = sequence.kind == SequenceKind::Tuple;
  std::string out(1, tuple ? '(' : '[');
  for (std::size_t i = 0; i < sequence.items.size(); ++i)
    out += (i == 0 ? "" : ", ") + representation(sequence.items[i], work);
  if (tuple && sequence.items.size() == 1) out += ',';
  return out + (tuple ? ')' : ']');
}

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Work& work) : m_style(style), m_work(work) {}

  void write(const Value& value, unsigned level) {
    m_work.step();
    if (const std::string* text = value.asText()) return writeText(*text);
    if (const Dict* dict = value.asDict()) return writeDict(*dict, level);
    if (const Sequence* sequence = value.asSequence();
        sequence && (sequence->kind == SequenceKind::List || sequence->kind == SequenceKind::Tuple))
      return writeList(*sequence, level);
    out += scalar(value);
  }
  std::string out;

 private:
  static std::string scalar(const Value& value) {
    if (value.is<None>()) return "null";
    if (value.is<bool>()) return value.as<bool>() ? "true" : "false";
    if (value.is<std::int64_t>()) return fmt::format("{}", value.integer());
    if (!value.is<double>())
      throw Failure(fmt::format("a value of type {} cannot be written as JSON", typeName(value)));
    const double number = value.as<double>();
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return floatText(number);
  }
  void writeText(std::string_view text) {
    m_work.charge(2 * text.size());
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Unit unit = readUtf8(text.substr(at));
      writeCharacter(unit.code_point, text.substr(at, unit.length));
      at += unit.length;
    }
    out += '"';
  }
  void writeCharacter(std::uint32_t code_point, std::string_view bytes) {
    static constexpr std::string_view kNamed = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
    if (const auto at = code_point < 0x80 ? kNamed.find(static_cast<char>(code_point)) : kNamed.npos;
        at != kNamed.npos) {
      out += {'\\', kLetters[at]};
    } else if (code_point >= 0x10000 && m_style.ascii) {
      const std::uint32_t rest = code_point - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else if (code_point < 0x20 || (code_point >= 0x7F && m_style.ascii)) {
      out += code_point == 0x7F ? std::string(bytes) : fmt::format("\\u{:04x}", code_point);
    } else {
      out += bytes;
    }
  }
  void newLine(unsigned level) {
    if (!m_style.indent) return;
    m_work.charge(1 + std::uint64_t{level} * m_style.indent->size());
    out += '\n';
    for (unsigned i = 0; i < level; ++i) out += *m_style.indent;
  }
  void writeList(const Sequence& list, unsigned level) {
    out += '[';
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i != 0) writeSeparator(m_style.item_separator);
      newLine(level + 1);
      write(list.items[i], level + 1);
    }
    if (!list.items.empty()) newLine(level);
    out += ']';
  }
  void writeDict(const Dict& dict, unsigned level) {
    std::vector<const std::pair<Value, Value>*> members;
    for (const auto& member : dict.members) members.push_back(&member);
    if (m_style.sorted) sortMembers(members);
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != 0) writeSeparator(m_style.item_separator);
      newLine(level + 1);
      const Value& key = members[i]->first;
      writeText(key.asText() ? *key.asText() : scalar(key));
      writeSeparator(m_style.key_separator);
      write(members[i]->second, level + 1);
    }
    if (!members.empty()) newLine(level);
    out += '}';
  }
  void writeSeparator(const std::string& separator) {
    m_work.charge(separator.size());
    out += separator;
  }
  static void sortMembers(std::vector<const std::pair<Value, Value>*>& members) {
    for (const auto* member : members)
      if (!member->first.asText()) throw Failure("tojson: sort_keys needs keys that are strings");
    std::ranges::stable_sort(members, {}, [](const auto* member) { return *member->first.asText(); });
  }

  const JsonStyle& m_style;
  Work& m_work;
};

}  // namespace

std::string floatText(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  const std::string_view shortest(buffer, static_cast<std::size_t>(end - buffer));
  const int exponent = std::stoi(std::string(shortest.substr(shortest.find('e') + 1)));
  // Python writes an exponent below 1e-4 and from 1e16 on, with two digits at least, as to_chars does.
  if (number != 0 && (exponent < -4 || exponent >= 16)) return std::string(shortest);
  const auto fixed_end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed).ptr;
  std::string fixed(buffer, fixed_end);
  return fixed.find('.') == fixed.npos ? fixed + ".0" : fixed;
}

std::string representation(const Value& value, Work& work) {
  work.step();
  if (const std::string* text = value.asText()) {
    work.charge(2 * text->size());
    return quoted(*text);
  }
  if (value.is<Undefined>()) return "Undefined";
  return toText(value, work);
}

std::string toText(const Value& value, Work& work) {
  if (const std::string* text = value.asText()) return *text;
  if (value.is<Undefined>()) return {};
  if (value.is<None>()) return "None";
  if (value.is<bool>()) return value.as<bool>() ? "True" : "False";
  if (value.is<std::int64_t>()) return fmt::format("{}", value.as<std::int64_t>());
  if (value.is<double>()) return floatText(value.as<double>());
  std::string text;
  if (const Sequence* sequence = value.asSequence())
    text = sequenceText(*sequence, work);
  else if (const Dict* dict = value.asDict())
    text = dictText(*dict, work);
  else
    throw Failure(fmt::format("a {} has no text", typeName(value)));
  work.charge(text.size());
  return text;
}

std::string toJson(const Value& value, const JsonStyle& style, Work& work) {
  requireDefined(value);
  JsonWriter writer(style, work);
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace kvatlas::text::jinja
