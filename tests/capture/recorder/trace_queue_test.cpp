// The one thread that writes the traces of a capture: order, errors, memory, unfinished files.
#include "capture/recorder/trace_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "core/base/error.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

trace::TraceHeader tinyHeader() {
  trace::TraceHeader header{.generator = "test", .created = "2020-01-01T00:00:00Z"};
  header.model = {.name = "m",
                  .architecture = "LlamaForCausalLM",
                  .compute_dtype = "f32",
                  .weights_fingerprint = "0",
                  .layers = 1,
                  .query_heads = 1,
                  .kv_heads = 1,
                  .head_dim = 4,
                  .hidden_size = 4,
                  .vocab_size = 8,
                  .rope_theta = 1e4};
  header.prompt = {.ids = {1, 2, 3}, .text = "", .offsets = {0, 0, 0, 0}};
  header.attention.window = 1;
  header.runs.push_back({.method = "full",
                         .label = "full",
                         .parameters = "{}",
                         .budget = "full",
                         .granularity = "kv-head",
                         .budget_nominal = 3,
                         .heads = 1,
                         .is_full = true});
  return header;
}

TEST(TraceQueue, RunsJobsInOrderAndHandsErrorsBack) {
  const ScratchFolder scratch;
  std::vector<int> order;
  {
    TraceQueue queue({{scratch.path() / "a.kva.h5", tinyHeader()}});
    for (int i = 0; i < 20; ++i) queue.push(0, [&order, i](trace::Writer&) { order.push_back(i); });
    queue.finish(0);
  }
  EXPECT_EQ(order.size(), 20U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_TRUE(std::filesystem::exists(scratch.path() / "a.kva.h5"));

  TraceQueue failing({{scratch.path() / "b.kva.h5", tinyHeader()}});
  failing.push(0, [](trace::Writer&) { throw Error("disk full"); });
  EXPECT_THROW(failing.finish(0), Error);
  EXPECT_THROW(failing.push(0, [](trace::Writer&) {}), Error);
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "b.kva.h5"));
}

// HDF5 need not be thread-safe: one thread creates, writes, completes and drops all files.
TEST(TraceQueue, SeveralTracesHaveOneWriterThread) {
  const ScratchFolder scratch;
  const auto first = scratch.path() / "a.kva.h5", second = scratch.path() / "b.kva.h5";
  std::vector<std::thread::id> threads;
  std::vector<const trace::Writer*> writers;
  {
    TraceQueue queue({{first, tinyHeader()}, {second, tinyHeader()}});
    const auto note = [&](trace::Writer& writer) {
      threads.push_back(std::this_thread::get_id());
      writers.push_back(&writer);
    };
    queue.pushToAll(note);
    queue.push(0, note);
    queue.finish(0);
    EXPECT_TRUE(std::filesystem::exists(first));
    EXPECT_FALSE(std::filesystem::exists(second));
    queue.push(1, note);
    queue.finish(1);
  }
  EXPECT_TRUE(std::filesystem::exists(second));
  ASSERT_EQ(threads.size(), 4U);
  EXPECT_EQ(std::ranges::count(threads, threads.front()), 4);
  EXPECT_NE(threads.front(), std::this_thread::get_id());
  EXPECT_EQ(writers[2], writers[0]);
  EXPECT_EQ(writers[3], writers[1]);
  EXPECT_NE(writers[0], writers[1]);
}

// For any number of layers only a few are in memory: queued, being written, being encoded.
TEST(TraceQueue, LayersInMemoryDoNotGrowWithTheirNumber) {
  struct Held {
    explicit Held(std::atomic<int>& count) : m_count(count) { ++m_count; }
    ~Held() { --m_count; }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    std::atomic<int>& m_count;
  };
  for (const int layers : {8, 64}) {
    const ScratchFolder scratch;
    TraceQueue queue({{scratch.path() / "a.kva.h5", tinyHeader()}});
    std::atomic<int> held{0};
    int most = 0;
    for (int layer = 0; layer < layers; ++layer) {
      auto record = std::make_shared<Held>(held);
      queue.push(0, [record](trace::Writer&) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
      most = std::max(most, held.load());
    }
    queue.finish(0);
    EXPECT_EQ(held, 0);
    EXPECT_LE(most, 4) << layers << " layers";
    EXPECT_GE(most, 2) << layers << " layers";
  }
}

TEST(TraceQueue, AnAbandonedTraceKeepsItsTemporaryName) {
  const ScratchFolder scratch;
  const auto target = scratch.path() / "c.kva.h5";
  { TraceQueue queue({{target, tinyHeader()}}); }
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_TRUE(std::filesystem::exists(target.string() + ".part"));
  EXPECT_THROW(TraceQueue({{scratch.path() / "none" / "d.kva.h5", tinyHeader()}}), Error);
}

}  // namespace
}  // namespace kvatlas::capture::test
