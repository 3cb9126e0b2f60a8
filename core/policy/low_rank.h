// The best approximation of a matrix by one of low rank.
#pragma once

#include <cstddef>
#include <span>

namespace kvatlas::policy {

// Replaces a [rows, columns] matrix by its best approximation of at most that rank (truncated singular value
// decomposition, in double precision, always in the same order). A matrix that is not finite becomes zero.
void keepLowRank(std::span<float> matrix, std::size_t columns, std::size_t rank);

}  // namespace kvatlas::policy
