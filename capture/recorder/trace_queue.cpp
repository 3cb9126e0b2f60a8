#include "capture/recorder/trace_queue.h"

#include <optional>

#include "core/base/thread.h"

namespace kvatlas::capture {

TraceQueue::TraceQueue(const std::filesystem::path& target, const trace::TraceHeader& header,
                       ClaimedFile::Existing existing, std::size_t capacity)
    : m_capacity(capacity), m_thread(startThread([this, target, header, existing] { run(target, header, existing); })) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_open || m_done; });
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

void TraceQueue::push(Job job) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_jobs.size() < m_capacity || m_error; });
  rethrow(lock);
  m_jobs.push_back(std::move(job));
  m_changed.notify_all();
}

void TraceQueue::finish() {
  std::unique_lock lock(m_mutex);
  m_finishing = true;
  m_changed.notify_all();
  m_changed.wait(lock, [&] { return m_done; });
  rethrow(lock);
}

void TraceQueue::rethrow(std::unique_lock<std::mutex>& lock) {
  if (!m_error) return;
  const std::exception_ptr error = m_error;
  lock.unlock();
  std::rethrow_exception(error);
}

void TraceQueue::run(const std::filesystem::path& target, const trace::TraceHeader& header,
                     ClaimedFile::Existing existing) {
  std::exception_ptr error;
  try {
    trace::Writer writer(target, header, existing);
    {
      const std::scoped_lock lock(m_mutex);
      m_open = true;
    }
    m_changed.notify_all();
    consume(writer);
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::scoped_lock lock(m_mutex);
    m_error = error;
    m_done = true;
    m_jobs.clear();
  }
  m_changed.notify_all();
}

void TraceQueue::consume(trace::Writer& writer) {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(m_mutex);
      m_changed.wait(lock, [&] { return !m_jobs.empty() || m_finishing || m_abandoned; });
      if (m_abandoned) return;
      if (m_jobs.empty()) break;
      job = std::move(m_jobs.front());
      m_jobs.pop_front();
    }
    m_changed.notify_all();
    job(writer);
  }
  writer.finish();
}

}  // namespace kvatlas::capture
