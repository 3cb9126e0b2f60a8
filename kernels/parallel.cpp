#include "kernels/parallel.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "kernels/thread_pool.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace kvatlas::kernels {

namespace {

// False while this thread runs tasks: a loop inside a task then runs inline, so that nesting can neither deadlock nor
// oversubscribe. Not inverted, because mold 1.10 may link a binary whose thread storage is all zeros so that it
// fails to load: depending on the code size, its read-only segment then starts in an unmapped
// page.
thread_local bool t_outside = true;

class Inside {
 public:
  Inside() { t_outside = false; }
  ~Inside() { t_outside = true; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

unsigned processorsOfThisProcess() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

unsigned defaultThreads() {
  static const unsigned count = processorsOfThisProcess();
  return count;
}

unsigned threadsFor(double work, unsigned threads) {
  constexpr double kWorkPerThread = 2e7;  // some hundred microseconds
  const unsigned most = threads == 0 ? defaultThreads() : threads;
  return static_cast<unsigned>(std::clamp(work / kWorkPerThread, 1.0, static_cast<double>(most)));
}

void parallelFor(std::size_t count, unsigned threads,
                 const std::function<void(std::size_t index, unsigned worker)>& task) {
  if (threads == 0) {
    threads = defaultThreads();
  }
  if (count <= 1 || threads <= 1 || !t_outside) {
    for (std::size_t index = 0; index < count; ++index) {
      task(index, 0);
    }
    return;
  }
  const std::function<void(std::size_t, unsigned)> guarded = [&task](std::size_t index, unsigned worker) {
    const Inside inside;
    task(index, worker);
  };
  const auto helpers = static_cast<unsigned>(std::min<std::size_t>(threads, count)) - 1;
  const auto job = std::make_shared<ForkJoin>(count, guarded);
  ThreadPool::instance().offer(job, helpers);
  job->work(0);
  ThreadPool::instance().withdraw(job.get());
  job->waitForHelpers();
}

}  // namespace kvatlas::kernels
