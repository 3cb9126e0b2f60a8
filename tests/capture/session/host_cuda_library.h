// The CUDA library's functions on host memory by the CPU kernels, to test their callers without a device; f32 only.
#pragma once

#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture::test {

// Which probe paths fail, and how; call counts.
struct HostCudaBehaviour {
  std::int32_t best_path = kKvatlasProbeWgmma;
  bool wrong[3] = {false, false, false};     // by path: column sums off by one per mille
  bool gives_up[3] = {false, false, false};  // by path: reports a timeout
  int probes = 0, decodes = 0, gathers = 0;  // calls
};
HostCudaBehaviour& hostCudaBehaviour();

// A new library on each call, so that no state survives from another test.
const kernels::CudaLibrary& makeHostCudaLibrary();

}  // namespace kvatlas::capture::test
