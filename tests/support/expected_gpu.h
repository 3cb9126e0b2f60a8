// Whether a missing CUDA device is a failure instead of a reason to skip: where `./dev gpu-test` checks one. Knows no
// CUDA.
#pragma once

#include <cstdlib>

namespace kvatlas::test {

// Set by resources/gpu_check.sh, so that a library that does not load cannot pass as a machine without a device.
inline bool gpuIsExpected() {
  return std::getenv("KVATLAS_EXPECT_GPU") != nullptr;
}

}  // namespace kvatlas::test
