// Shared by the CUDA sources: element conversion, error texts, kernel launches.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#define KVATLAS_CUDA_EXPORT extern "C" __attribute__((visibility("default")))

namespace kvatlas::kernels {

__device__ inline float toFloat(float x) {
  return x;
}
__device__ inline float toFloat(__half x) {
  return __half2float(x);
}
__device__ inline float toFloat(__nv_bfloat16 x) {
  return __bfloat162float(x);
}

template <typename T>
__device__ T fromFloat(float x);
template <>
__device__ inline float fromFloat<float>(float x) {
  return x;
}
template <>
__device__ inline __half fromFloat<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 fromFloat<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

// Queues kernel(args...) on the stream. A plain C++ compiler, as in a test, compiles it to run the kernel on the host
// instead.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned threads, cudaStream_t stream,
            const Arguments&... arguments) {
#ifdef __CUDACC__
  kernel<<<grid, threads, 0, stream>>>(arguments...);
#else
  (void)stream;
  runOnHost(grid, threads, [&] { kernel(arguments...); });
#endif
}

// Per-thread error text: valid until the thread's next call.
inline const char* errorText(const std::string& text) {
  thread_local std::string kept;
  kept = text;
  return kept.c_str();
}

inline const char* cudaText(const char* doing, cudaError_t error) {
  return error == cudaSuccess ? nullptr : errorText(std::string("CUDA: ") + doing + ": " + cudaGetErrorString(error));
}

}  // namespace kvatlas::kernels
