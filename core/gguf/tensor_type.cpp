#include "core/gguf/tensor_type.h"

#include <array>

#include "core/base/error.h"

namespace kvatlas::gguf {
namespace {

constexpr TensorLayout readable(TensorType type, std::string_view name, std::uint64_t elements, std::uint64_t bytes) {
  return {type, name, elements, bytes, true};
}
constexpr TensorLayout unreadable(std::uint32_t number, std::string_view name, std::uint64_t elements,
                                  std::uint64_t bytes) {
  return {static_cast<TensorType>(number), name, elements, bytes, false};
}

constexpr std::array kLayouts{
    readable(TensorType::F32, "F32", 1, 4),
    readable(TensorType::F16, "F16", 1, 2),
    readable(TensorType::Q4_0, "Q4_0", 32, 18),
    readable(TensorType::Q4_1, "Q4_1", 32, 20),
    readable(TensorType::Q5_0, "Q5_0", 32, 22),
    readable(TensorType::Q5_1, "Q5_1", 32, 24),
    readable(TensorType::Q8_0, "Q8_0", 32, 34),
    unreadable(9, "Q8_1", 32, 40),
    readable(TensorType::Q2_K, "Q2_K", 256, 84),
    readable(TensorType::Q3_K, "Q3_K", 256, 110),
    readable(TensorType::Q4_K, "Q4_K", 256, 144),
    readable(TensorType::Q5_K, "Q5_K", 256, 176),
    readable(TensorType::Q6_K, "Q6_K", 256, 210),
    unreadable(15, "Q8_K", 256, 292),
    unreadable(16, "IQ2_XXS", 256, 66),
    unreadable(17, "IQ2_XS", 256, 74),
    unreadable(18, "IQ3_XXS", 256, 98),
    unreadable(19, "IQ1_S", 256, 50),
    readable(TensorType::IQ4_NL, "IQ4_NL", 32, 18),
    unreadable(21, "IQ3_S", 256, 110),
    unreadable(22, "IQ2_S", 256, 82),
    readable(TensorType::IQ4_XS, "IQ4_XS", 256, 136),
    unreadable(24, "I8", 1, 1),
    unreadable(25, "I16", 1, 2),
    unreadable(26, "I32", 1, 4),
    unreadable(27, "I64", 1, 8),
    unreadable(28, "F64", 1, 8),
    unreadable(29, "IQ1_M", 256, 56),
    readable(TensorType::BF16, "BF16", 1, 2),
    unreadable(34, "TQ1_0", 256, 54),
    unreadable(35, "TQ2_0", 256, 66),
    unreadable(39, "MXFP4", 32, 17),
    unreadable(40, "NVFP4", 64, 36),
};

}  // namespace

const TensorLayout* layoutOf(std::uint32_t type) {
  for (const TensorLayout& layout : kLayouts)
    if (static_cast<std::uint32_t>(layout.type) == type) return &layout;
  return nullptr;
}

const TensorLayout& layoutOf(TensorType type) {
  const TensorLayout* layout = layoutOf(static_cast<std::uint32_t>(type));
  if (layout == nullptr) fail("unknown tensor type {}", static_cast<std::uint32_t>(type));
  return *layout;
}

}  // namespace kvatlas::gguf
