// The CUDA library's functions on host memory by the CPU kernels, so that what calls them is tested without a device;
// f32 only.
#pragma once

#include "kernels/cuda/cuda_loader.h"

namespace kvatlas::capture::test {

// Paths in use and how they go wrong.
struct HostCudaBehaviour {
  std::int32_t best_path = kKvatlasProbeWgmma;
  bool wrong[3] = {false, false, false};     // by path: column sums off by one per mille
  bool gives_up[3] = {false, false, false};  // by path: as after a wait that took too long
  int probes = 0, decodes = 0, gathers = 0;  // calls
};
HostCudaBehaviour& hostCudaBehaviour();

// A library of its own on each call, so that nothing is remembered from another test.
const kernels::CudaLibrary& makeHostCudaLibrary();

}  // namespace kvatlas::capture::test
