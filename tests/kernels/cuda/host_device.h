// Runs CUDA kernels on the host, one fibre per thread of a block, so that their logic is tested without a device.
// Included before a .cu file by a plain C++ compiler; emulates the CUDA features those files use.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

// Blocks run one after another: shared memory is a static that the next block overwrites.
#undef __shared__
#define __shared__ static
#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif
#undef __grid_constant__
#define __grid_constant__

namespace kvatlas::kernels {

struct HostThread {
  dim3 block;
  dim3 grid;
  dim3 threads;
  unsigned thread = 0;
};
// The currently running fibre.
HostThread& hostThread();

struct ThreadIndex {
  unsigned x;
};

// Runs `body` once per thread of every block of the grid.
void runOnHost(dim3 grid, unsigned threads, const std::function<void()>& body);
void syncBlock();
void syncWarp();
void syncGroup(int group);  // of 128 threads
float shuffleXor(float value, int lane_mask);
unsigned long long shuffleXor(unsigned long long value, int lane_mask);
// Yields to the other threads.
void yieldToOthers();
// Whether threads take turns in reverse order; alternates per block.
bool runsInReverse();
// The number of the current block, counted over the process.
unsigned long long blockNumber();

inline void atomicMin(unsigned long long* target, unsigned long long value) {
  *target = value < *target ? value : *target;
}

inline unsigned bitsOfFloat(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float floatOfBits(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace kvatlas::kernels

#define __float_as_uint ::kvatlas::kernels::bitsOfFloat
#define __uint_as_float ::kvatlas::kernels::floatOfBits
#define threadIdx (::kvatlas::kernels::ThreadIndex{::kvatlas::kernels::hostThread().thread})
#define blockIdx (::kvatlas::kernels::hostThread().block)
#define gridDim (::kvatlas::kernels::hostThread().grid)
#define blockDim (::kvatlas::kernels::hostThread().threads)
#define __syncthreads ::kvatlas::kernels::syncBlock
#define __syncwarp ::kvatlas::kernels::syncWarp
#define __shfl_xor_sync(mask, value, step) ::kvatlas::kernels::shuffleXor(value, step)
#define cudaMemsetAsync(target, value, bytes, stream) std::memset(target, value, bytes)
#define cudaGetLastError() cudaSuccess
using std::isfinite;
