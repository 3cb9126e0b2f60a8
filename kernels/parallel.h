// A fork-join loop over independent tasks with a fixed thread count; knows nothing of what the tasks do.
#pragma once

#include <cstddef>
#include <functional>

namespace kvatlas::kernels {

// Threads used when a caller passes 0: the processors this process may run on.
[[nodiscard]] unsigned defaultThreads();

// Runs task(index, worker) for every index in [0, count), worker in [0, threads). Tasks are handed out in order; which
// worker gets which is not fixed, so results must not depend on it. The first exception is rethrown after all ended.
void parallelFor(std::size_t count, unsigned threads,
                 const std::function<void(std::size_t index, unsigned worker)>& task);

}  // namespace kvatlas::kernels
