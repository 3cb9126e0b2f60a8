#include "capture/recorder/trace_queue.h"

#include "core/base/thread.h"

namespace kvatlas::capture {

TraceQueue::TraceQueue(std::vector<TraceTarget> targets, ClaimedFile::Existing existing, std::size_t capacity)
    : m_capacity(capacity),
      m_thread(startThread([this, targets = std::move(targets), existing] { run(targets, existing); })) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_open || m_error; });
  if (!m_error) return;
  lock.unlock();
  m_thread.join();
  std::rethrow_exception(m_error);
}

TraceQueue::~TraceQueue() {
  {
    const std::scoped_lock lock(m_mutex);
    m_abandoned = true;
  }
  m_changed.notify_all();
  if (m_thread.joinable()) m_thread.join();
}

void TraceQueue::pushToAll(Job job) {
  (void)enqueue([job = std::move(job)](Writers& writers) {
    for (const std::unique_ptr<trace::Writer>& writer : writers) job(*writer);
  });
}

void TraceQueue::push(std::size_t trace, Job job) {
  (void)enqueue([trace, job = std::move(job)](Writers& writers) { job(*writers[trace]); });
}

void TraceQueue::finish(std::size_t trace) {
  const std::uint64_t number = enqueue([trace](Writers& writers) {
    writers[trace]->finish();
    writers[trace].reset();
  });
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_finished >= number || m_error; });
  rethrow(lock);
}

std::uint64_t TraceQueue::enqueue(Task task) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_tasks.size() < m_capacity || m_error; });
  rethrow(lock);
  m_tasks.push_back(std::move(task));
  m_changed.notify_all();
  return ++m_queued;
}

void TraceQueue::rethrow(std::unique_lock<std::mutex>& lock) {
  if (!m_error) return;
  const std::exception_ptr error = m_error;
  lock.unlock();
  std::rethrow_exception(error);
}

void TraceQueue::run(const std::vector<TraceTarget>& targets, ClaimedFile::Existing existing) {
  std::exception_ptr error;
  try {
    Writers writers;
    for (const TraceTarget& target : targets)
      writers.push_back(std::make_unique<trace::Writer>(target.path, target.header, existing));
    {
      const std::scoped_lock lock(m_mutex);
      m_open = true;
    }
    m_changed.notify_all();
    consume(writers);
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::scoped_lock lock(m_mutex);
    m_error = error;
    m_tasks.clear();
  }
  m_changed.notify_all();
}

void TraceQueue::consume(Writers& writers) {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(m_mutex);
      m_changed.wait(lock, [&] { return !m_tasks.empty() || m_abandoned; });
      if (m_abandoned) return;
      task = std::move(m_tasks.front());
      m_tasks.pop_front();
    }
    m_changed.notify_all();
    task(writers);
    {
      const std::scoped_lock lock(m_mutex);
      ++m_finished;
    }
    m_changed.notify_all();
  }
}

}  // namespace kvatlas::capture
