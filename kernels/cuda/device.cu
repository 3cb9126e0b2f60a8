// Lists and selects CUDA devices.
#include <cstring>

#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kvatlas_border_cuda.h"

using kvatlas::kernels::cudaText;
using kvatlas::kernels::errorText;

KVATLAS_CUDA_EXPORT const char* kvatlasCudaIdentity(void) {
  return KVATLAS_BORDER_CUDA;
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaDeviceCount(int32_t* host_count) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  *host_count = error == cudaSuccess ? count : 0;
  return cudaText("counting devices", error);
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaDeviceName(int32_t device, char* host_name, uint64_t size) {
  cudaDeviceProp properties;
  if (const char* error = cudaText("reading device properties", cudaGetDeviceProperties(&properties, device))) {
    return error;
  }
  if (size == 0) {
    return errorText("CUDA: the buffer is too small for the device name");
  }
  std::strncpy(host_name, properties.name, size - 1);
  host_name[size - 1] = '\0';
  return nullptr;
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaUseDevice(int32_t device) {
  return cudaText("choosing the device", cudaSetDevice(device));
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaDeviceMemory(int32_t device, uint64_t* host_free, uint64_t* host_total) {
  int before = 0;
  if (const char* error = cudaText("reading the current device", cudaGetDevice(&before))) {
    return error;
  }
  size_t free = 0;
  size_t total = 0;
  cudaError_t error = cudaSetDevice(device);
  if (error == cudaSuccess) {
    error = cudaMemGetInfo(&free, &total);
    cudaSetDevice(before);
  }
  *host_free = free;
  *host_total = total;
  return cudaText("reading free memory", error);
}
