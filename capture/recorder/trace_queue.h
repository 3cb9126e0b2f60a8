// A bounded queue to the one thread that owns the trace file: inference continues while it writes.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "core/trace/writer.h"

namespace kvatlas::capture {

// Jobs run in order on the writer thread. It creates, uses and destroys the Writer: no other thread calls HDF5.
class TraceQueue {
 public:
  using Job = std::function<void(trace::Writer&)>;

  // Waits until the file exists; rethrows an error of its creation.
  TraceQueue(const std::filesystem::path& target, const trace::TraceHeader& header,
             ClaimedFile::Existing existing = ClaimedFile::Existing::Replace, std::size_t capacity = 2);
  ~TraceQueue();  // drops queued jobs; the unfinished file keeps its temporary name
  TraceQueue(const TraceQueue&) = delete;
  TraceQueue& operator=(const TraceQueue&) = delete;

  void push(Job job);  // blocks while `capacity` jobs wait; rethrows the first error of an earlier job
  void finish();       // after all jobs: completes and renames the file; rethrows the first error

 private:
  void run(const std::filesystem::path& target, const trace::TraceHeader& header, ClaimedFile::Existing existing);
  void consume(trace::Writer& writer);
  void rethrow(std::unique_lock<std::mutex>& lock);

  const std::size_t m_capacity;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Job> m_jobs;
  std::exception_ptr m_error;
  bool m_open = false, m_finishing = false, m_abandoned = false, m_done = false;
  std::thread m_thread;
};

}  // namespace kvatlas::capture
