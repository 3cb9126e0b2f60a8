// Builds the bytes of GGUF files for tests, written from the format's description; knows nothing of the reader.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas::test {

class GgufBuilder {
 public:
  explicit GgufBuilder(std::uint32_t version = 3, std::uint32_t alignment = 32)
      : m_version(version), m_alignment(alignment) {
    if (alignment != 32) u32("general.alignment", alignment);
  }

  void u32(std::string_view key, std::uint32_t value) { pair(key, 4, number(value)); }
  void u64(std::string_view key, std::uint64_t value) { pair(key, 10, number(value)); }
  void f32(std::string_view key, float value) { pair(key, 6, number(value)); }
  void boolean(std::string_view key, bool value) { pair(key, 7, std::string(1, value ? '\1' : '\0')); }
  void text(std::string_view key, std::string_view value) { pair(key, 8, lengthed(value)); }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    std::string bytes = number(std::uint32_t{8}) + number(std::uint64_t{values.size()});
    for (const std::string& value : values) bytes += lengthed(value);
    pair(key, 9, bytes);
  }
  template <class Number>
  void numbers(std::string_view key, std::uint32_t type, const std::vector<Number>& values) {
    std::string bytes = number(type) + number(std::uint64_t{values.size()});
    for (const Number value : values) bytes += number(value);
    pair(key, 9, bytes);
  }
  // A value of any type, its bytes as they are.
  void pair(std::string_view key, std::uint32_t type, const std::string& bytes) {
    m_metadata += lengthed(key) + number(type) + bytes;
    ++m_pairs;
  }

  // shape: row-major, as tensors are written elsewhere.
  void tensor(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& shape,
              const std::string& bytes) {
    m_tensors += lengthed(name) + number(static_cast<std::uint32_t>(shape.size()));
    for (auto size = shape.rbegin(); size != shape.rend(); ++size) m_tensors += number(*size);
    m_tensors += number(type) + number(std::uint64_t{m_data.size()});
    m_data += bytes;
    m_data.resize((m_data.size() + m_alignment - 1) / m_alignment * m_alignment);
    ++m_count;
  }

  [[nodiscard]] std::string header() const {
    return "GGUF" + number(m_version) + number(m_count) + number(m_pairs) + m_metadata + m_tensors;
  }
  [[nodiscard]] std::string bytes() const {
    std::string all = header();
    all.resize((all.size() + m_alignment - 1) / m_alignment * m_alignment);
    return all + m_data;
  }

  template <class Number>
  [[nodiscard]] static std::string number(Number value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
  [[nodiscard]] static std::string lengthed(std::string_view text) {
    return number(std::uint64_t{text.size()}) + std::string(text);
  }

 private:
  std::uint32_t m_version;
  std::uint64_t m_alignment, m_count = 0, m_pairs = 0;
  std::string m_metadata, m_tensors, m_data;
};

}  // namespace kvatlas::test
