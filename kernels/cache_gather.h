// Copies the kept rows of a cache, as raw bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kvatlas::kernels {

// target[i, :] = source[rows[i], :] for rows of row_bytes bytes.
void gatherRows(const void* source, std::span<const std::uint32_t> rows, std::size_t row_bytes, void* target);

}  // namespace kvatlas::kernels
