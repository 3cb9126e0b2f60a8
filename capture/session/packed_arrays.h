// Several host arrays that reach a device in one copy.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace kvatlas::capture {

class PackedArrays {
 public:
  // Where the array will begin in the upload, in bytes: a multiple of 16.
  template <class Value>
  std::size_t add(std::span<const Value> values) {
    const std::size_t begin = (m_bytes.size() + 15) / 16 * 16;
    m_bytes.resize(begin + values.size_bytes());
    if (!values.empty()) std::memcpy(m_bytes.data() + begin, values.data(), values.size_bytes());
    return begin;
  }
  template <class Value>
  std::size_t add(const std::vector<Value>& values) {
    return add(std::span<const Value>(values));
  }
  // All of it, as bytes; queued on the device's current stream without waiting.
  [[nodiscard]] at::Tensor upload(const at::Device& device) const;

 private:
  std::vector<std::byte> m_bytes;
};

}  // namespace kvatlas::capture
