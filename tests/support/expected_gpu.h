// Whether a missing CUDA device is a failure (under `./dev gpu-test`) instead of a reason to skip.
#pragma once

#include <cstdlib>

namespace kvatlas::test {

// Set by resources/gpu_check.sh, so that a library that fails to load does not look like a machine without a device.
inline bool gpuIsExpected() {
  return std::getenv("KVATLAS_EXPECT_GPU") != nullptr;
}

}  // namespace kvatlas::test
