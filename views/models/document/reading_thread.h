// The only thread that uses HDF5 while a window is open. It takes prioritised requests and returns values or error
// messages to the thread of this object.
#pragma once

#include <QObject>
#include <QPointer>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "core/trace/reader.h"

namespace kvatlas::views {

using SourceId = std::uint64_t;   // a file; 0: none
using RequestId = std::uint64_t;  // never reused; 0: none
using GroupId = std::uint64_t;    // requests that become stale together (one viewport); 0: none

// Highest priority first. Tiles are LIFO, everything else FIFO.
// Soon: panels around the map, which may update slightly later than the map.
enum class Priority { Now, Tile, Soon, Background };

struct Order {
  Priority priority = Priority::Now;
  GroupId group = 0;
};

// The result of a request: a value, or one sentence why there is none.
template <class Value>
struct Answer {
  RequestId id = 0;
  std::optional<Value> value;
  std::string error;
  explicit operator bool() const { return value.has_value(); }
};

// Not thread-safe: call it from the thread it lives in. That thread's event loop delivers the answers.
class ReadingThread : public QObject {
  Q_OBJECT
 public:
  explicit ReadingThread(QObject* parent = nullptr);
  ~ReadingThread() override;  // waits for the running job and drops the queue

  // The first request opens the file; later requests retry if that failed.
  [[nodiscard]] SourceId addSource(std::filesystem::path path);
  void reopen(SourceId source, std::filesystem::path path);  // the next request reopens the file at `path`
  void dropSource(SourceId source);                          // cancels its requests and closes the file
  [[nodiscard]] GroupId newGroup() { return ++m_last_group; }

  // job(const trace::Reader&) runs on the reading thread and returns a value; done(Answer<value>) runs on this thread,
  // unless the request was cancelled or `context` destroyed. The job must not touch objects of this thread.
  template <class Job, class Done>
  RequestId post(SourceId source, Order order, Job job, QObject* context, Done done) {
    using Value = std::invoke_result_t<Job, const trace::Reader&>;
    return enqueue(
        source, order,
        [job = std::move(job)](const trace::Reader& reader) -> std::shared_ptr<void> {
          return std::make_shared<Value>(job(reader));
        },
        context,
        [done = std::move(done)](RequestId id, const Raw& raw) {
          Answer<Value> answer{id, std::nullopt, raw.error};
          if (raw.value) answer.value.emplace(std::move(*std::static_pointer_cast<Value>(raw.value)));
          done(std::move(answer));
        });
  }

  // Drops the answer; a job that has not started never runs.
  void cancel(RequestId request);
  void cancelGroup(GroupId group);

  // Runs the job on the calling thread while the reading thread pauses: for code that needs both a reader and
  // widgets.
  template <class Job>
  auto runHere(SourceId source, Job job) -> Answer<std::invoke_result_t<Job, const trace::Reader&>> {
    using Value = std::invoke_result_t<Job, const trace::Reader&>;
    const Raw raw = visit(source, [&job](const trace::Reader& reader) -> std::shared_ptr<void> {
      return std::make_shared<Value>(job(reader));
    });
    Answer<Value> answer{0, std::nullopt, raw.error};
    if (raw.value) answer.value.emplace(std::move(*std::static_pointer_cast<Value>(raw.value)));
    return answer;
  }

  // Closes the file, runs job(path) on the calling thread while the reading thread pauses, and returns one sentence if
  // it throws; the next request reopens the file. Used to store notes, the only change made to a trace.
  std::string change(SourceId source, const std::function<void(const std::filesystem::path&)>& job);

  [[nodiscard]] std::size_t pending() const { return m_pending.size(); }  // unanswered requests

 private:
  struct Raw {
    std::shared_ptr<void> value;
    std::string error;
  };
  using Work = std::function<std::shared_ptr<void>(const trace::Reader&)>;
  using Deliver = std::function<void(RequestId, const Raw&)>;
  struct Pending {
    SourceId source;
    GroupId group;
    QPointer<QObject> context;
    Deliver deliver;
  };
  struct Source;
  struct Entry;
  class Worker;

  RequestId enqueue(SourceId source, Order order, Work work, QObject* context, Deliver deliver);
  Raw visit(SourceId source, const Work& work);
  void deliver(RequestId id, const Raw& raw);
  template <class Matches>
  void forget(const Matches& matches);

  std::unordered_map<SourceId, std::shared_ptr<Source>> m_sources;
  std::unordered_map<RequestId, Pending> m_pending;
  SourceId m_last_source = 0;
  RequestId m_last_request = 0;
  GroupId m_last_group = 0;
  std::unique_ptr<Worker> m_worker;
};

}  // namespace kvatlas::views
