// Opens the CUDA kernels' library at run time through its C interface; includes no CUDA header.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/cuda_library.h"

namespace kvatlas::kernels {

// The functions of an opened libkvatlas_cuda.so, which stays open until the process ends.
struct CudaLibrary {
  decltype(&kvatlasCudaDeviceCount) device_count = nullptr;
  decltype(&kvatlasCudaDeviceName) device_name = nullptr;
  decltype(&kvatlasCudaDeviceMemory) device_memory = nullptr;
  decltype(&kvatlasCudaUseDevice) use_device = nullptr;
  decltype(&kvatlasCudaProbeBestPath) probe_best_path = nullptr;
  decltype(&kvatlasCudaProbeWorkspace) probe_workspace = nullptr;
  decltype(&kvatlasCudaProbe) probe = nullptr;
  decltype(&kvatlasCudaDecodeWorkspace) decode_workspace = nullptr;
  decltype(&kvatlasCudaDecode) decode = nullptr;
  decltype(&kvatlasCudaTile) tile = nullptr;
  decltype(&kvatlasCudaCoarsen) coarsen = nullptr;
  decltype(&kvatlasCudaGather) gather = nullptr;
  decltype(&kvatlasCudaCompact) compact = nullptr;
  decltype(&kvatlasCudaTopWorkspace) top_workspace = nullptr;
  decltype(&kvatlasCudaTop) top = nullptr;
};

// Searches beside this program's own libraries ($ORIGIN, $ORIGIN/../lib) and the loader's path. Returns null and
// sets `reason` when the library is missing or of another build; caches the first answer.
[[nodiscard]] const CudaLibrary* openCudaLibrary(std::string& reason);

}  // namespace kvatlas::kernels
