#include "kernels/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace kvatlas::kernels {

namespace {
constexpr std::size_t kMostThreads = 512;
}

bool ForkJoin::takeNext(std::size_t& index) {
  const std::lock_guard lock(m_mutex);
  if (m_exception || m_next >= m_count) {
    return false;
  }
  index = m_next++;
  return true;
}

bool ForkJoin::exhausted() {
  const std::lock_guard lock(m_mutex);
  return m_exception || m_next >= m_count;
}

// Indices are dealt in order, so every index below a failing one runs to completion: the lowest failure is the same
// in every run.
void ForkJoin::keepException(std::size_t index) {
  const std::lock_guard lock(m_mutex);
  if (!m_exception || index < m_failed_index) {
    m_exception = std::current_exception();
    m_failed_index = index;
  }
}

void ForkJoin::work(unsigned worker) {
  std::size_t index = 0;
  while (takeNext(index)) {
    try {
      m_task(index, worker);
    } catch (...) {
      keepException(index);
    }
  }
}

void ForkJoin::join() {
  const std::lock_guard lock(m_mutex);
  ++m_helpers;
}

void ForkJoin::leave() {
  const std::lock_guard lock(m_mutex);
  if (--m_helpers == 0) {
    m_left.notify_all();
  }
}

void ForkJoin::waitForHelpers() {
  std::unique_lock lock(m_mutex);
  m_left.wait(lock, [this] { return m_helpers == 0; });
  if (m_exception) {
    std::rethrow_exception(m_exception);
  }
}

ThreadPool& ThreadPool::instance() {
  static ThreadPool pool;
  return pool;
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_offered.notify_all();
  for (std::thread& thread : m_threads) {
    thread.join();
  }
}

void ThreadPool::offer(const std::shared_ptr<ForkJoin>& job, unsigned helpers) {
  const std::lock_guard lock(m_mutex);
  for (unsigned worker = 1; worker <= helpers; ++worker) {
    m_places.push_back({job, worker});
  }
  const std::size_t wanted = std::min<std::size_t>(helpers, kMostThreads);
  try {
    while (m_threads.size() < wanted) {
      m_threads.emplace_back([this] { serve(); });
    }
  } catch (const std::system_error&) {
    // The system allows no more threads; the caller and those that exist do the work.
  }
  m_offered.notify_all();
}

void ThreadPool::withdraw(const ForkJoin* job) {
  const std::lock_guard lock(m_mutex);
  std::erase_if(m_places, [job](const Place& place) { return place.job.get() == job; });
}

void ThreadPool::serve() {
  std::unique_lock lock(m_mutex);
  while (true) {
    m_offered.wait(lock, [this] { return m_stop || !m_places.empty(); });
    if (m_stop) {
      return;
    }
    const Place place = std::move(m_places.front());
    m_places.pop_front();
    // Joins under the pool's lock, so that no helper can join after withdraw().
    place.job->join();
    lock.unlock();
    place.job->work(place.worker);
    place.job->leave();
    lock.lock();
  }
}

}  // namespace kvatlas::kernels
