#include "kernels/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace kvatlas::kernels {
namespace {

TEST(ParallelFor, everyIndexOnceAndWorkersInRange) {
  for (const std::size_t count : {0, 1, 2, 3, 100, 5000}) {
    for (const unsigned threads : {0U, 1U, 2U, 5U, 16U}) {
      std::vector<std::atomic<int>> seen(count);
      const unsigned limit = threads == 0 ? defaultThreads() : threads;
      parallelFor(count, threads, [&](std::size_t index, unsigned worker) {
        EXPECT_LT(worker, limit);
        ++seen[index];
      });
      EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; })) << count;
    }
  }
}

TEST(ParallelFor, noTwoTasksShareAWorkerAtOnce) {
  std::vector<std::atomic<int>> busy(4);
  parallelFor(2000, 4, [&](std::size_t, unsigned worker) {
    EXPECT_EQ(busy[worker].fetch_add(1), 0);
    std::this_thread::yield();
    --busy[worker];
  });
}

TEST(ParallelFor, lowestExceptionIsRethrownAfterAllEnded) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::atomic<int> running = 0;
    std::string what;
    try {
      parallelFor(100, 4, [&](std::size_t index, unsigned) {
        ++running;
        std::this_thread::yield();
        --running;
        if (index >= 10) {
          throw std::runtime_error(std::to_string(index));
        }
      });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "10");
    EXPECT_EQ(running, 0);
  }
}

TEST(ParallelFor, usableAfterAnException) {
  EXPECT_THROW(parallelFor(8, 3, [](std::size_t, unsigned) { throw std::logic_error("x"); }), std::logic_error);
  std::atomic<int> sum = 0;
  parallelFor(10, 3, [&](std::size_t index, unsigned) { sum += static_cast<int>(index); });
  EXPECT_EQ(sum, 45);
}

TEST(ParallelFor, nestedCallsRunInline) {
  std::atomic<int> sum = 0;
  parallelFor(10, 4, [&](std::size_t, unsigned) {
    const auto outer = std::this_thread::get_id();
    parallelFor(10, 4, [&](std::size_t, unsigned worker) {
      EXPECT_EQ(worker, 0U);
      EXPECT_EQ(std::this_thread::get_id(), outer);
      ++sum;
    });
  });
  EXPECT_EQ(sum, 100);
}

TEST(ParallelFor, callersFromManyThreads) {
  std::atomic<int> sum = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        parallelFor(20, 3, [&](std::size_t, unsigned) { ++sum; });
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(sum, 6 * 50 * 20);
}

}  // namespace
}  // namespace kvatlas::kernels
