// The element types of GGUF tensors: how many elements a block holds and how many bytes it takes.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvatlas::gguf {

// Numbers as in the file. Types that are known by size alone have no name here.
enum class TensorType : std::uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ4_NL = 20,
  IQ4_XS = 23,
  BF16 = 30
};

struct TensorLayout {
  TensorType type;
  std::string_view name;
  std::uint64_t elements;  // of a block
  std::uint64_t bytes;     // of a block
  bool readable;           // dequantise() knows it
};

// nullptr for a number no type has.
[[nodiscard]] const TensorLayout* layoutOf(std::uint32_t type);
[[nodiscard]] const TensorLayout& layoutOf(TensorType type);

}  // namespace kvatlas::gguf
