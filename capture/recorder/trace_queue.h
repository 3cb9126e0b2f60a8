// A bounded queue to the one thread that owns the trace files of a capture: inference continues while it writes.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/trace/writer.h"

namespace kvatlas::capture {

struct TraceTarget {
  std::filesystem::path path;
  trace::TraceHeader header;
};

// Jobs run in order on the writer thread. It creates, uses and destroys the Writers: no other thread calls HDF5.
class TraceQueue {
 public:
  using Job = std::function<void(trace::Writer&)>;

  // Waits until the files exist; rethrows an error of their creation.
  explicit TraceQueue(std::vector<TraceTarget> targets, ClaimedFile::Existing existing = ClaimedFile::Existing::Replace,
                      std::size_t capacity = 2);
  ~TraceQueue();  // drops queued jobs; unfinished files keep their temporary names
  TraceQueue(const TraceQueue&) = delete;
  TraceQueue& operator=(const TraceQueue&) = delete;

  // Block while `capacity` jobs wait; rethrow the first error of an earlier job.
  void pushToAll(Job job);
  void push(std::size_t trace, Job job);
  // After the jobs so far: completes and renames the file. Waits for it; rethrows the first error.
  void finish(std::size_t trace);

 private:
  using Writers = std::vector<std::unique_ptr<trace::Writer>>;
  using Task = std::function<void(Writers&)>;

  std::uint64_t enqueue(Task task);  // its number
  void run(const std::vector<TraceTarget>& targets, ClaimedFile::Existing existing);
  void consume(Writers& writers);
  void rethrow(std::unique_lock<std::mutex>& lock);

  const std::size_t m_capacity;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Task> m_tasks;
  std::exception_ptr m_error;
  std::uint64_t m_queued = 0, m_finished = 0;
  bool m_open = false, m_abandoned = false;
  std::thread m_thread;
};

}  // namespace kvatlas::capture
