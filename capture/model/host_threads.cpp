#include "capture/model/host_threads.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <omp.h>

#include <algorithm>

#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

// Enough chunks to keep several threads busy with a short prompt; enough rows to reuse the weights in the cache.
constexpr std::int64_t kChunksOfShortPrompts = 16, kLeastRows = 32, kMostRows = 128;

}  // namespace

// oneDNN and ATen ask OpenMP for the calling thread's number; at::set_num_threads would also change the process.
LibraryThreads::LibraryThreads(int threads) : m_before(at::get_num_threads()) {
  omp_set_num_threads(threads);
}
LibraryThreads::~LibraryThreads() {
  omp_set_num_threads(m_before);
}

std::int64_t hostRowChunk(std::int64_t count) {
  const std::int64_t even = (count + kChunksOfShortPrompts - 1) / kChunksOfShortPrompts;
  return std::clamp((even + 15) / 16 * 16, kLeastRows, kMostRows);
}

void forRowChunks(std::int64_t first, std::int64_t last, std::int64_t chunk, unsigned threads,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  const std::int64_t count = std::max<std::int64_t>(0, (last - first + chunk - 1) / chunk);
  kernels::parallelFor(static_cast<std::size_t>(count), threads, [&](std::size_t index, unsigned) {
    const LibraryThreads one(1);
    const at::AutoDispatchBelowADInplaceOrView no_autograd;
    const std::int64_t begin = first + static_cast<std::int64_t>(index) * chunk;
    body(begin, std::min(begin + chunk, last));
  });
}

}  // namespace kvatlas::capture
