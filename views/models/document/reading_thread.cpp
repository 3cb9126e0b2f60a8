#include "views/models/document/reading_thread.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/base/outcome.h"
#include "core/base/thread.h"
#include "core/trace/vetting.h"

namespace kvatlas::views {
namespace {

template <class Work>
std::string messageOf(const Work& work) {
  return firstLine(guarded(work).message);
}

}  // namespace

// The worker's lock guards all but the reader, which belongs to the current holder of HDF5.
struct ReadingThread::Source {
  std::filesystem::path path;
  bool stale = true;
  bool vetting_started = false, vetting_in_flight = false;
  std::stop_source vetting;
  std::unique_ptr<trace::Reader> reader;
};

struct ReadingThread::Entry {
  RequestId id = 0;
  std::shared_ptr<Source> source;
  Work work;  // empty: close the file
};

// The queue and the thread. Whoever set m_busy holds HDF5.
class ReadingThread::Worker {
 private:
  using Queue = std::map<std::pair<int, std::int64_t>, Entry>;
  struct Vetting {
    std::shared_ptr<Source> source;
    std::thread thread;
    bool ended = false;
  };

  // Calls body(lock) with the lock held and exclusive use of HDF5; body returns with the lock held.
  template <class Body>
  auto asGuest(const Body& body) {
    std::unique_lock lock(m_mutex);
    ++m_guests;
    m_changed.wait(lock, [&] { return !m_busy; });
    --m_guests;
    m_busy = true;
    auto result = body(lock);
    m_busy = false;
    lock.unlock();
    m_changed.notify_all();
    return result;
  }

 public:
  explicit Worker(ReadingThread& owner) : m_owner(owner), m_thread(startThread([this] { loop(); })) {}
  ~Worker() {
    {
      const std::lock_guard lock(m_mutex);
      m_stop = true;  // keep the queue: it may close files, which must not happen during a job
      for (const Vetting& each : m_vettings) each.source->vetting.request_stop();
    }
    m_changed.notify_all();
    m_thread.join();
    for (Vetting& each : m_vettings) each.thread.join();
  }

  void push(Priority priority, Entry entry) {
    {
      const std::lock_guard lock(m_mutex);
      const std::int64_t turn = priority == Priority::Tile ? -++m_turn : ++m_turn;
      m_queue.emplace(std::pair{static_cast<int>(priority), turn}, std::move(entry));
    }
    m_changed.notify_all();
  }

  template <class Matches>
  void drop(const Matches& matches) {
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_queue, [&](const auto& item) { return item.second.work && matches(item.second.id); });
  }

  void reopen(Source& source, std::filesystem::path path) {
    const std::lock_guard lock(m_mutex);
    source.path = std::move(path);
    source.stale = true;
    source.vetting_started = false;
  }

  void close(std::shared_ptr<Source> source) {
    {
      const std::lock_guard lock(m_mutex);
      source->vetting.request_stop();
    }
    push(Priority::Now, {0, std::move(source), nullptr});
  }

  Raw runNow(Source& source, const Work& work) {
    return asGuest([&](std::unique_lock<std::mutex>& lock) { return run(lock, source, work); });
  }

  std::string changeNow(Source& source, const std::function<void(const std::filesystem::path&)>& job) {
    return asGuest([&](std::unique_lock<std::mutex>& lock) {
      const std::filesystem::path path = source.path;
      lock.unlock();
      std::string error = messageOf([&] {
        source.reader.reset();
        job(path);
      });
      lock.lock();
      return error;
    });
  }

 private:
  void loop() {
    std::unique_lock lock(m_mutex);
    while (true) {
      m_changed.wait(lock, [&] { return m_stop || (!m_busy && m_guests == 0 && next() != m_queue.end()); });
      if (m_stop) return;
      const auto first = next();
      if (first->second.work && beginVetting(first->second.source)) continue;
      Entry entry = std::move(m_queue.extract(first).mapped());
      m_busy = true;
      const Raw raw = run(lock, *entry.source, entry.work);
      m_busy = false;
      m_changed.notify_all();
      if (entry.work) answer(entry.id, raw);
    }
  }

  // The first request whose file is not being vetted: a harmful file does not delay other files.
  [[nodiscard]] Queue::iterator next() {
    return std::ranges::find_if(m_queue, [](const auto& item) { return !item.second.source->vetting_in_flight; });
  }

  // Starts vetting a file before it is opened. False: nothing to wait for. If no thread can start, the reader vets the
  // file.
  bool beginVetting(const std::shared_ptr<Source>& source) {
    if (std::exchange(source->vetting_started, true) || !trace::vetsFiles()) return false;
    joinEndedVettings();
    source->vetting = {};
    source->vetting_in_flight = true;
    Vetting& vetting = m_vettings.emplace_back(Vetting{source, {}, false});
    const std::string problem =
        messageOf([&] { vetting.thread = startThread([this, &vetting, path = source->path] { vet(vetting, path); }); });
    if (problem.empty()) return true;
    source->vetting_in_flight = false;
    m_vettings.pop_back();
    return false;
  }

  void joinEndedVettings() {
    std::erase_if(m_vettings, [](Vetting& each) {
      if (each.ended) each.thread.join();
      return each.ended;
    });
  }

  // Runs on its own thread.
  void vet(Vetting& vetting, const std::filesystem::path& path) {
    Source& source = *vetting.source;
    const std::string error = messageOf([&] { trace::requireVetted(path, source.vetting.get_token()); });
    std::vector<RequestId> refused;
    {
      const std::lock_guard lock(m_mutex);
      source.vetting_in_flight = false;
      if (!error.empty() && source.path == path) {
        source.vetting_started = false;  // later requests try again
        refused = takeRequestsOf(source);
      }
      for (const RequestId id : refused) answer(id, {nullptr, error});
      vetting.ended = true;
    }
    m_changed.notify_all();
  }

  std::vector<RequestId> takeRequestsOf(const Source& source) {
    std::vector<RequestId> ids;
    std::erase_if(m_queue, [&](const auto& item) {
      const bool taken = item.second.work && item.second.source.get() == &source;
      if (taken) ids.push_back(item.second.id);
      return taken;
    });
    return ids;
  }

  // Entered and left with the lock held; released while reading the file.
  Raw run(std::unique_lock<std::mutex>& lock, Source& source, const Work& work) {
    const std::filesystem::path path = source.path;
    const bool stale = std::exchange(source.stale, false);
    lock.unlock();
    Raw raw;
    raw.error = messageOf([&] {
      if (stale || !work) source.reader.reset();  // close before reopening: HDF5 shares open files
      if (!work) return;
      if (!source.reader) source.reader = std::make_unique<trace::Reader>(path);
      raw.value = work(*source.reader);
    });
    lock.lock();
    return raw;
  }

  void answer(RequestId id, const Raw& raw) {
    QMetaObject::invokeMethod(
        &m_owner, [this, id, raw] { m_owner.deliver(id, raw); }, Qt::QueuedConnection);
  }

  ReadingThread& m_owner;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  Queue m_queue;
  std::list<Vetting> m_vettings;
  std::int64_t m_turn = 0;
  int m_guests = 0;
  bool m_busy = false, m_stop = false;
  std::thread m_thread;
};

ReadingThread::ReadingThread(QObject* parent) : QObject(parent), m_worker(std::make_unique<Worker>(*this)) {}

ReadingThread::~ReadingThread() = default;

SourceId ReadingThread::addSource(std::filesystem::path path) {
  auto source = std::make_shared<Source>();
  source->path = std::move(path);
  m_sources.emplace(++m_last_source, std::move(source));
  return m_last_source;
}

void ReadingThread::reopen(SourceId source, std::filesystem::path path) {
  if (const auto found = m_sources.find(source); found != m_sources.end())
    m_worker->reopen(*found->second, std::move(path));
}

void ReadingThread::dropSource(SourceId source) {
  const auto found = m_sources.find(source);
  if (found == m_sources.end()) return;
  forget([&](RequestId, const Pending& pending) { return pending.source == source; });
  m_worker->close(found->second);
  m_sources.erase(found);
}

void ReadingThread::cancel(RequestId request) {
  forget([&](RequestId id, const Pending&) { return id == request; });
}

void ReadingThread::cancelGroup(GroupId group) {
  if (group == 0) return;
  forget([&](RequestId, const Pending& pending) { return pending.group == group; });
}

template <class Matches>
void ReadingThread::forget(const Matches& matches) {
  std::erase_if(m_pending, [&](const auto& item) { return matches(item.first, item.second); });
  m_worker->drop([&](RequestId id) { return !m_pending.contains(id); });
}

RequestId ReadingThread::enqueue(SourceId source, Order order, Work work, QObject* context, Deliver deliver) {
  const RequestId id = ++m_last_request;
  m_pending.emplace(id, Pending{source, order.group, context, std::move(deliver)});
  const auto found = m_sources.find(source);
  if (found == m_sources.end()) {
    QMetaObject::invokeMethod(
        this,
        [this, id] {
          this->deliver(id, {nullptr, "the file is closed"});
        },
        Qt::QueuedConnection);
    return id;
  }
  m_worker->push(order.priority, {id, found->second, std::move(work)});
  return id;
}

ReadingThread::Raw ReadingThread::visit(SourceId source, const Work& work) {
  const auto found = m_sources.find(source);
  if (found == m_sources.end()) return {nullptr, "the file is closed"};
  const std::shared_ptr<Source> held = found->second;
  return m_worker->runNow(*held, work);
}

std::string ReadingThread::change(SourceId source, const std::function<void(const std::filesystem::path&)>& job) {
  const auto found = m_sources.find(source);
  if (found == m_sources.end()) return "the file is closed";
  const std::shared_ptr<Source> held = found->second;
  return m_worker->changeNow(*held, job);
}

void ReadingThread::deliver(RequestId id, const Raw& raw) {
  auto node = m_pending.extract(id);
  if (node.empty() || node.mapped().context.isNull()) return;
  node.mapped().deliver(id, raw);
}

}  // namespace kvatlas::views
