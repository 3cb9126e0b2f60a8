// The tensor-core instructions of kernels/cuda/tensor_core.cuh on the host, written from the instruction set's manual:
// fragment layouts, matrix descriptors, swizzle, barrier phases. Included before a .cu file.
#pragma once

#include "tests/kernels/cuda/host_device.h"

#include "kernels/cuda/device_common.cuh"

#define KVATLAS_HAS_WGMMA 1

namespace kvatlas::kernels {

using SharedBarrier = unsigned long long;

// A [heads, tokens, d] array of 16-bit values.
struct TensorMap {
  const char* values;
  uint64_t heads, tokens, head_dim;
};
const char* makeTensorMap(TensorMap& map, const void* values, uint64_t heads, uint64_t tokens, uint64_t head_dim,
                          bool bf16);

char* sharedMemory();
unsigned sharedAddress(const void* pointer);
inline float fastExp2(float x) {
  const float y = exp2f(x);
  return y < 1.17549435e-38F ? 0.0F : y;  // flushes denormals
}

void copyChunk(void* target, const void* source, bool inside);
void commitCopies();
void waitForCopyGroups(unsigned left);
template <int left>
void waitForCopies() {
  waitForCopyGroups(left);
}

void loadFragments(const void* row, unsigned (&fragment)[4]);
using ToFloat = float (*)(std::uint16_t bits);
float fromHalfBits(std::uint16_t bits);
float fromBf16Bits(std::uint16_t bits);
void multiplyFragments(float* sums, const unsigned (&a)[4], const unsigned* b, ToFloat to_float);
void beginProductOf(float* sums, std::uint64_t query, std::uint64_t key, bool add, ToFloat to_float);

template <typename T>
ToFloat toFloatOf() {
  return std::is_same_v<T, __half> ? fromHalfBits : fromBf16Bits;
}
template <typename T>
void multiply16816(float* sums, const unsigned (&a)[4], const unsigned* b) {
  multiplyFragments(sums, a, b, toFloatOf<T>());
}
template <typename T>
void beginProduct(float (&c)[64], unsigned long long query, unsigned long long key, int add) {
  beginProductOf(c, query, key, add != 0, toFloatOf<T>());
}

void initBarrier(SharedBarrier* barrier, unsigned arrivals);
void publishBarriers();
void arrive(SharedBarrier* barrier);
void arriveExpecting(SharedBarrier* barrier, unsigned bytes);
bool tryWait(SharedBarrier* barrier, unsigned parity);
unsigned long long nanoseconds();
void copyBox(void* target, const TensorMap* map, SharedBarrier* barrier, int dimension, int row, int head);
inline void productFence() {}
inline void commitProducts() {}
void finishProducts();
template <int R>
void waitForProducts(float (&)[R][64]) {
  finishProducts();
}
template <int registers>
void giveRegisters() {}
template <int registers>
void takeRegisters() {}

constexpr int kMostSharedBytes = 227 * 1024;

template <typename... Parameters, typename... Arguments>
cudaError_t launchShared(void (*kernel)(Parameters...), dim3 grid, unsigned threads, int shared_bytes,
                         cudaStream_t stream, const Arguments&... arguments) {
  if (shared_bytes > kMostSharedBytes) {
    return cudaErrorInvalidValue;
  }
  launch(kernel, grid, threads, stream, arguments...);
  return cudaSuccess;
}

}  // namespace kvatlas::kernels
