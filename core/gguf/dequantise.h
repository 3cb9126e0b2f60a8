// Quantised blocks as GGUF files store them → float32, rounded as the reference of the format (the `gguf` package of
// PyPI) rounds; knows no file.
#pragma once

#include <cstddef>
#include <span>

#include "core/gguf/tensor_type.h"

namespace kvatlas::gguf {

// Whole blocks → one float per element: values.size() = blocks / bytes of a block × elements of a block, UsageError
// otherwise. Error on a type that is not read (layoutOf(type).readable).
void dequantise(TensorType type, std::span<const std::byte> blocks, std::span<float> values);

}  // namespace kvatlas::gguf
