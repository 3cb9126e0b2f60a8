// The key-value pairs of a GGUF file: typed reading with errors that name file and key; knows no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/gguf/cursor.h"

namespace kvatlas::gguf {

enum class ValueType : std::uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, Text, Array, U64, I64, F64 };

// A value as it lies in the file; its bytes were walked once and are whole.
struct Value {
  ValueType type = ValueType::U8;
  ValueType element = ValueType::U8;  // of an array
  std::uint64_t count = 1;            // elements of an array
  std::span<const std::byte> bytes;   // the number, the text, the array's elements
};

// Its views live as long as the mapping of the file.
class Metadata {
 public:
  // Reads `pairs` pairs. Error on unknown types, keys that stand there twice, values that leave the file.
  [[nodiscard]] static Metadata read(const std::filesystem::path& path, Cursor& cursor, std::uint64_t pairs);

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] bool isArray(std::string_view key) const;

  // Empty where the key is absent; Error where its value is of another type or outside [least, most].
  [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t least,
                                                     std::uint64_t most) const;
  [[nodiscard]] std::optional<double> number(std::string_view key) const;  // finite
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  // Empty where the key is absent. Error where the array holds something else or more than most_count elements.
  [[nodiscard]] std::vector<std::string_view> texts(std::string_view key, std::uint64_t most_count) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view key, std::uint64_t most_count) const;  // finite

  // Error "file: metadata 'key': expected …".
  [[noreturn]] void refuse(std::string_view key, const std::string& expected) const;

 private:
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] const Value* array(std::string_view key, std::uint64_t most_count) const;

  std::filesystem::path m_path;
  std::map<std::string, Value, std::less<>> m_values;
};

}  // namespace kvatlas::gguf
