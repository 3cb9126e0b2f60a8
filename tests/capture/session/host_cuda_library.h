// The CUDA library's functions on host memory, to test their callers without a device; f32 only. A test links one of
// two: the CPU kernels, or the CUDA sources emulated.
#pragma once

#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture::test {

// Which probe paths fail, and how; call counts.
struct HostCudaBehaviour {
  std::int32_t best_path = kKvatlasProbeWgmma;
  bool wrong[3] = {false, false, false};                                // by path: column sums off by one per mille
  bool gives_up[3] = {false, false, false};                             // by path: reports a timeout
  int probes = 0, decodes = 0, gathers = 0, tops = 0, compactions = 0;  // calls
};
inline HostCudaBehaviour& hostCudaBehaviour() {
  static HostCudaBehaviour behaviour;
  return behaviour;
}

// A new library on each call, so that no state survives from another test.
const kernels::CudaLibrary& makeHostCudaLibrary();
// How far its results may be from those of the CPU kernels.
double hostCudaTolerance();

}  // namespace kvatlas::capture::test
