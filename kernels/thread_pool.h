// The threads that parallelFor keeps between calls.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace kvatlas::kernels {

// One parallelFor call. Each worker that joins takes the next index until none is left or a task throws.
class ForkJoin {
 public:
  using Task = std::function<void(std::size_t index, unsigned worker)>;
  ForkJoin(std::size_t count, const Task& task) : m_count(count), m_task(task) {}

  void work(unsigned worker);
  void join();            // called by a helper before work()
  void leave();           // called by a helper after work()
  void waitForHelpers();  // then rethrows the exception of the lowest index, if any
  [[nodiscard]] bool exhausted();

 private:
  bool takeNext(std::size_t& index);
  void keepException(std::size_t index);

  const std::size_t m_count;
  const Task& m_task;
  std::mutex m_mutex;
  std::condition_variable m_left;
  std::size_t m_next = 0;
  unsigned m_helpers = 0;
  std::size_t m_failed_index = 0;
  std::exception_ptr m_exception;
};

// Starts threads on first use and keeps them until the process ends.
class ThreadPool {
 public:
  static ThreadPool& instance();
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Offers `helpers` slots of the job to idle threads. The job must stay valid until withdraw().
  void offer(const std::shared_ptr<ForkJoin>& job, unsigned helpers);
  // Takes back unclaimed slots.
  void withdraw(const ForkJoin* job);

 private:
  struct Place {
    std::shared_ptr<ForkJoin> job;
    unsigned worker;
  };
  ThreadPool() = default;
  void serve();

  std::mutex m_mutex;
  std::condition_variable m_offered;
  std::deque<Place> m_places;
  std::vector<std::thread> m_threads;
  bool m_stop = false;
};

}  // namespace kvatlas::kernels
