// Wrappers of the tensor-core kernels' PTX instructions: matrix products, asynchronous copies, barriers in
// shared memory. tests/kernels/cuda/host_tensor_core.h implements the same functions on the host.
#pragma once

#ifdef __CUDACC__

#include <cuda.h>

#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/tensor_tile.h"

// wgmma and setmaxnreg exist for sm_90a only. Elsewhere the kernel that uses
// them is empty and never selected.
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define KVATLAS_HAS_WGMMA 1
#else
#define KVATLAS_HAS_WGMMA 0
#endif

namespace kvatlas::kernels {

using TensorMap = CUtensorMap;
using SharedBarrier = unsigned long long;

// Dynamic shared memory of the block, aligned to 1024 bytes as the swizzle requires.
__device__ inline char* sharedMemory() {
  extern __shared__ __align__(1024) char memory[];
  return memory;
}
__device__ inline unsigned sharedAddress(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

__device__ inline float fastExp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// --- sm_80 -------------------------------------------------------------------------------------------------------
__device__ inline void copyChunk(void* target, const void* source, bool inside) {  // 16 bytes; zeros when outside
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(target)), "l"(source),
               "r"(inside ? 16 : 0)
               : "memory");
}
__device__ inline void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int left>
__device__ void waitForCopies() {  // until at most `left` committed groups are in flight
  asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
}

__device__ inline void loadFragments(const void* row, unsigned (&fragment)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(sharedAddress(row))
               : "memory");
}

template <typename T>
__device__ void multiply16816(float* sums, const unsigned (&a)[4], const unsigned* b);
template <>
__device__ inline void multiply16816<__half>(float* sums, const unsigned (&a)[4], const unsigned* b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ inline void multiply16816<__nv_bfloat16>(float* sums, const unsigned (&a)[4], const unsigned* b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Waits for the 128 threads of a group. Barrier 0 is the whole block's.
__device__ inline void syncGroup(int group) {
  asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory");
}

#if KVATLAS_HAS_WGMMA
// --- sm_90 -------------------------------------------------------------------------------------------------------
__device__ inline void initBarrier(SharedBarrier* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(arrivals) : "memory");
}
// Call after initBarrier, before other threads or the copy engine use the barriers.
__device__ inline void publishBarriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ inline void arrive(SharedBarrier* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sharedAddress(barrier)) : "memory");
}
__device__ inline void arriveExpecting(SharedBarrier* barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes)
               : "memory");
}
__device__ inline bool tryWait(SharedBarrier* barrier, unsigned parity) {
  unsigned done;
  asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(done)
               : "r"(sharedAddress(barrier)), "r"(parity)
               : "memory");
  return done != 0;
}
__device__ inline unsigned long long nanoseconds() {
  unsigned long long time;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(time));
  return time;
}

// A box of 64 dimensions × 64 rows of one head, zeros out of range. 8192 bytes arrive at the barrier.
__device__ inline void copyBox(void* target, const TensorMap* map, SharedBarrier* barrier, int dimension, int row,
                               int head) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::
          "r"(sharedAddress(target)),
      "l"(map), "r"(sharedAddress(barrier)), "r"(dimension), "r"(row), "r"(head)
      : "memory");
}

__device__ inline void productFence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ inline void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Running products write their sums behind the compiler's back: code that reads or reuses them must not move across.
template <int R>
__device__ void holdSums(float (&sums)[R][64]) {
#pragma unroll
  for (int r = 0; r < R; ++r) {
#pragma unroll
    for (int e = 0; e < 64; ++e) {
      asm volatile("" : "+f"(sums[r][e])::"memory");
    }
  }
}
template <int R>
__device__ void waitForProducts(float (&sums)[R][64]) {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  holdSums(sums);
}

#define KVATLAS_WGMMA(type)                                                                                         \
  asm volatile(                                                                                                     \
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"                                                                  \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type                                                  \
      " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                    \
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "                            \
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                            \
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "                           \
      "%64, %65, p, 1, 1, 0, 0;\n}"                                                                                 \
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7]), "+f"(c[8]), \
        "+f"(c[9]), "+f"(c[10]), "+f"(c[11]), "+f"(c[12]), "+f"(c[13]), "+f"(c[14]), "+f"(c[15]), "+f"(c[16]),      \
        "+f"(c[17]), "+f"(c[18]), "+f"(c[19]), "+f"(c[20]), "+f"(c[21]), "+f"(c[22]), "+f"(c[23]), "+f"(c[24]),     \
        "+f"(c[25]), "+f"(c[26]), "+f"(c[27]), "+f"(c[28]), "+f"(c[29]), "+f"(c[30]), "+f"(c[31]), "+f"(c[32]),     \
        "+f"(c[33]), "+f"(c[34]), "+f"(c[35]), "+f"(c[36]), "+f"(c[37]), "+f"(c[38]), "+f"(c[39]), "+f"(c[40]),     \
        "+f"(c[41]), "+f"(c[42]), "+f"(c[43]), "+f"(c[44]), "+f"(c[45]), "+f"(c[46]), "+f"(c[47]), "+f"(c[48]),     \
        "+f"(c[49]), "+f"(c[50]), "+f"(c[51]), "+f"(c[52]), "+f"(c[53]), "+f"(c[54]), "+f"(c[55]), "+f"(c[56]),     \
        "+f"(c[57]), "+f"(c[58]), "+f"(c[59]), "+f"(c[60]), "+f"(c[61]), "+f"(c[62]), "+f"(c[63])                   \
      : "l"(query), "l"(key), "r"(add))

// c (+)= queries · keysᵀ over 16 dimensions, started but not awaited: m64 n128 k16.
template <typename T>
__device__ void beginProduct(float (&c)[64], unsigned long long query, unsigned long long key, int add);
template <>
__device__ inline void beginProduct<__half>(float (&c)[64], unsigned long long query, unsigned long long key, int add) {
  KVATLAS_WGMMA("f16");
}
template <>
__device__ inline void beginProduct<__nv_bfloat16>(float (&c)[64], unsigned long long query, unsigned long long key,
                                                   int add) {
  KVATLAS_WGMMA("bf16");
}
#undef KVATLAS_WGMMA
// Moves registers from the warpgroup that copies to those that compute.
template <int registers>
__device__ void giveRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers>
__device__ void takeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}
#endif  // KVATLAS_HAS_WGMMA

// Queues a kernel with `shared_bytes` of dynamic shared memory.
template <typename... Parameters, typename... Arguments>
cudaError_t launchShared(void (*kernel)(Parameters...), dim3 grid, unsigned threads, int shared_bytes,
                         cudaStream_t stream, const Arguments&... arguments) {
  const cudaError_t error = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                                 cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (error == cudaSuccess) {
    kernel<<<grid, threads, shared_bytes, stream>>>(arguments...);
  }
  return error;
}

// The tensor map of a [heads, tokens, d] array of 16-bit values for copyBox. Error text or null.
const char* makeTensorMap(TensorMap& map, const void* values, uint64_t heads, uint64_t tokens, uint64_t head_dim,
                          bool bf16);

}  // namespace kvatlas::kernels

#endif  // __CUDACC__
