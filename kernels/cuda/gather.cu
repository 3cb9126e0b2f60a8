// Copies the kept rows of a cache.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"

namespace kvatlas::kernels {
namespace {

template <typename Word>
__global__ void gatherWords(const Word* source, const uint32_t* rows, uint64_t count, uint64_t words, Word* target) {
  for (uint64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const Word* const from = source + static_cast<uint64_t>(rows[i]) * words;
    for (uint64_t w = threadIdx.x; w < words; w += blockDim.x) {
      target[i * words + w] = from[w];
    }
  }
}

template <typename Word>
bool fits(const void* source, const void* target, uint64_t row_bytes) {
  const auto mixed = reinterpret_cast<uintptr_t>(source) | reinterpret_cast<uintptr_t>(target) | row_bytes;
  return mixed % sizeof(Word) == 0;
}

template <typename Word>
void gather(const void* source, const uint32_t* rows, uint64_t count, uint64_t row_bytes, void* target,
            cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(count < 65535 ? count : 65535);
  launch(gatherWords<Word>, blocks, 64, stream, static_cast<const Word*>(source), rows, count, row_bytes / sizeof(Word),
         static_cast<Word*>(target));
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT const char* kvatlasCudaGather(const void* source, const uint32_t* rows, uint64_t count,
                                                  uint64_t row_bytes, void* target, void* stream) {
  using namespace kvatlas::kernels;
  if (count == 0 || row_bytes == 0) {
    return nullptr;
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  if (fits<uint4>(source, target, row_bytes)) {
    gather<uint4>(source, rows, count, row_bytes, target, queue);
  } else if (fits<uint16_t>(source, target, row_bytes)) {
    gather<uint16_t>(source, rows, count, row_bytes, target, queue);
  } else {
    gather<unsigned char>(source, rows, count, row_bytes, target, queue);
  }
  return cudaText("starting the cache gather", cudaGetLastError());
}
