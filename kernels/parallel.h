// A fork-join loop over independent tasks with a fixed thread count.
#pragma once

#include <cstddef>
#include <functional>

namespace kvatlas::kernels {

// Threads used when a caller passes 0: the processors available to this process.
[[nodiscard]] unsigned defaultThreads();

// At most `threads` (0: defaultThreads()), and no more than `work` keeps busy for clearly longer than a thread takes to
// wake up: a region of a few microseconds runs on the caller alone. `work` counts floating-point operations, roughly.
[[nodiscard]] unsigned threadsFor(double work, unsigned threads);

// Runs task(index, worker) for every index in [0, count), worker in [0, threads). Indices are dealt in order, to any
// worker, so results must not depend on the worker. Rethrows the first exception once all tasks have ended.
void parallelFor(std::size_t count, unsigned threads,
                 const std::function<void(std::size_t index, unsigned worker)>& task);

}  // namespace kvatlas::kernels
