#include "core/gguf/metadata.h"

#include <cmath>
#include <cstring>

namespace kvatlas::gguf {
namespace {

constexpr std::uint64_t kMostKeyBytes = 65535;
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 24;
constexpr int kMostDepth = 8;  // arrays inside arrays

std::uint64_t numberBytes(ValueType type) {
  switch (type) {
    case ValueType::U8:
    case ValueType::I8:
    case ValueType::Bool:
      return 1;
    case ValueType::U16:
    case ValueType::I16:
      return 2;
    case ValueType::U32:
    case ValueType::I32:
    case ValueType::F32:
      return 4;
    case ValueType::U64:
    case ValueType::I64:
    case ValueType::F64:
      return 8;
    case ValueType::Text:
    case ValueType::Array:
      break;
  }
  return 0;
}

ValueType readType(Cursor& cursor) {
  const auto type = cursor.number<std::uint32_t>();
  if (type > static_cast<std::uint32_t>(ValueType::F64)) cursor.refuse(fmt::format("unknown value type {}", type));
  return static_cast<ValueType>(type);
}

void skipElements(Cursor& cursor, ValueType element, std::uint64_t count, int depth);

void skipArray(Cursor& cursor, int depth) {
  if (depth > kMostDepth) cursor.refuse(fmt::format("arrays stand more than {} deep inside each other", kMostDepth));
  const ValueType element = readType(cursor);
  skipElements(cursor, element, cursor.number<std::uint64_t>(), depth);
}

// Every element takes bytes of the file, so the walk ends with it however large the count is.
void skipElements(Cursor& cursor, ValueType element, std::uint64_t count, int depth) {
  if (const std::uint64_t size = numberBytes(element)) {
    if (count > cursor.left() / size)
      cursor.refuse(fmt::format("{} elements, the file has only {} more bytes (truncated?)", count, cursor.left()));
    (void)cursor.take(count * size);
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (element == ValueType::Text) {
      (void)cursor.text(kMostTextBytes);
    } else {
      skipArray(cursor, depth + 1);
    }
  }
}

Value readValue(Cursor& cursor) {
  Value value{.type = readType(cursor)};
  if (const std::uint64_t size = numberBytes(value.type)) {
    value.bytes = cursor.take(size);
  } else if (value.type == ValueType::Text) {
    value.bytes = std::as_bytes(std::span(cursor.text(kMostTextBytes)));
  } else {
    value.element = readType(cursor);
    value.count = cursor.number<std::uint64_t>();
    Cursor before = cursor;
    skipElements(cursor, value.element, value.count, 1);
    value.bytes = before.take(cursor.position() - before.position());
  }
  return value;
}

template <class Number>
Number numberAt(std::span<const std::byte> bytes, std::uint64_t index) {
  Number number;
  std::memcpy(&number, bytes.data() + index * sizeof number, sizeof number);
  return number;
}

// Any number as a double; nothing for texts and arrays.
std::optional<double> asNumber(ValueType type, std::span<const std::byte> bytes, std::uint64_t index) {
  switch (type) {
    case ValueType::U8:
      return numberAt<std::uint8_t>(bytes, index);
    case ValueType::I8:
      return numberAt<std::int8_t>(bytes, index);
    case ValueType::U16:
      return numberAt<std::uint16_t>(bytes, index);
    case ValueType::I16:
      return numberAt<std::int16_t>(bytes, index);
    case ValueType::U32:
      return numberAt<std::uint32_t>(bytes, index);
    case ValueType::I32:
      return numberAt<std::int32_t>(bytes, index);
    case ValueType::F32:
      return numberAt<float>(bytes, index);
    case ValueType::U64:
      return static_cast<double>(numberAt<std::uint64_t>(bytes, index));
    case ValueType::I64:
      return static_cast<double>(numberAt<std::int64_t>(bytes, index));
    case ValueType::F64:
      return numberAt<double>(bytes, index);
    case ValueType::Bool:
    case ValueType::Text:
    case ValueType::Array:
      break;
  }
  return std::nullopt;
}

bool isWhole(ValueType type) {
  return numberBytes(type) != 0 && type != ValueType::F32 && type != ValueType::F64 && type != ValueType::Bool;
}

}  // namespace

Metadata Metadata::read(const std::filesystem::path& path, Cursor& cursor, std::uint64_t pairs) {
  Metadata metadata;
  metadata.m_path = path;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    cursor.enter(fmt::format("metadata pair {}", i));
    std::string key(cursor.text(kMostKeyBytes));
    cursor.enter(fmt::format("metadata '{}'", printable(key)));
    const Value value = readValue(cursor);
    if (!metadata.m_values.emplace(std::move(key), value).second) cursor.refuse("it stands there twice");
  }
  return metadata;
}

const Value* Metadata::find(std::string_view key) const {
  const auto found = m_values.find(key);
  return found == m_values.end() ? nullptr : &found->second;
}

bool Metadata::isArray(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && value->type == ValueType::Array;
}

void Metadata::refuse(std::string_view key, const std::string& expected) const {
  fail("{}: metadata '{}': expected {}", m_path.string(), printable(key), expected);
}

std::optional<std::string_view> Metadata::text(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != ValueType::Text) refuse(key, "a text");
  return std::string_view(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

std::optional<std::uint64_t> Metadata::integer(std::string_view key, std::uint64_t least, std::uint64_t most) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::string expected = fmt::format("a whole number from {} to {}", least, most);
  if (!isWhole(value->type)) refuse(key, expected);
  std::uint64_t number = 0;
  if (value->type == ValueType::U64) {
    number = numberAt<std::uint64_t>(value->bytes, 0);
  } else if (const double small = *asNumber(value->type, value->bytes, 0); small < 0) {
    refuse(key, fmt::format("{}, found {}", expected, small));
  } else {
    // An i64 of 0 or more has the bits of the same u64.
    number =
        value->type == ValueType::I64 ? numberAt<std::uint64_t>(value->bytes, 0) : static_cast<std::uint64_t>(small);
  }
  if (number < least || number > most) refuse(key, fmt::format("{}, found {}", expected, number));
  return number;
}

std::optional<double> Metadata::number(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = asNumber(value->type, value->bytes, 0);
  if (!number || !std::isfinite(*number)) refuse(key, "a finite number");
  return number;
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != ValueType::Bool || numberAt<std::uint8_t>(value->bytes, 0) > 1) refuse(key, "true or false");
  return numberAt<std::uint8_t>(value->bytes, 0) != 0;
}

const Value* Metadata::array(std::string_view key, std::uint64_t most_count) const {
  const Value* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->type != ValueType::Array) refuse(key, "an array");
  if (value->count > most_count) refuse(key, fmt::format("at most {} elements, found {}", most_count, value->count));
  return value;
}

std::vector<std::string_view> Metadata::texts(std::string_view key, std::uint64_t most_count) const {
  const Value* value = array(key, most_count);
  std::vector<std::string_view> texts;
  if (value == nullptr) return texts;
  if (value->element != ValueType::Text) refuse(key, "an array of texts");
  texts.reserve(value->count);
  Cursor cursor(m_path, value->bytes);
  for (std::uint64_t i = 0; i < value->count; ++i) texts.push_back(cursor.text(kMostTextBytes));
  return texts;
}

std::vector<double> Metadata::numbers(std::string_view key, std::uint64_t most_count) const {
  const Value* value = array(key, most_count);
  std::vector<double> numbers;
  if (value == nullptr) return numbers;
  if (numberBytes(value->element) == 0 || value->element == ValueType::Bool) refuse(key, "an array of numbers");
  numbers.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    numbers.push_back(*asNumber(value->element, value->bytes, i));
    if (!std::isfinite(numbers.back())) refuse(key, fmt::format("finite numbers; element {} is none", i));
  }
  return numbers;
}

}  // namespace kvatlas::gguf
