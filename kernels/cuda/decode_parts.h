// How decoding attention splits the keys and where each part's result lies, for the device and for tests on the
// host.
#pragma once

#include <cstdint>

#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

inline constexpr std::size_t kPartKeys = 1024;  // keys per part: fixed, so that a batch changes no bits

struct DecodeParts {
  std::size_t most_rows = 0, head_dim = 0;
  std::size_t parts = 0;  // of the longest segment

  // In floats: largest logit, sum of exponentials, head_dim sums of weighted values.
  [[nodiscard]] KVATLAS_HOST_DEVICE constexpr std::size_t offset(std::size_t segment, std::size_t part,
                                                                 std::size_t row) const {
    return ((segment * parts + part) * most_rows + row) * (head_dim + 2);
  }
};

}  // namespace kvatlas::kernels
