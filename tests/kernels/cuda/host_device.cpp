#include "tests/kernels/cuda/host_device.h"

#include <ucontext.h>

#include <memory>
#include <vector>

namespace kvatlas::kernels {

namespace {

constexpr unsigned kGroup = 128;
constexpr std::size_t kStackBytes = 128 * 1024;
constexpr unsigned kWarp = 32;

// A barrier whose members yield to the others until the last one arrives.
struct Barrier {
  unsigned members = 0;
  unsigned arrived = 0;
  unsigned generation = 0;
};

struct Fibre {
  ucontext_t context{};
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  bool done = false;
};

// Runs one block at a time; its threads take turns in order, switching only at barriers.
struct Machine {
  std::vector<Fibre> fibres;
  ucontext_t scheduler{};
  HostThread current;
  Barrier block;
  std::vector<Barrier> warps;
  std::vector<Barrier> groups;  // of 128 threads each
  unsigned long long block_number = 0;
  std::vector<unsigned long long> exchange;
  const std::function<void()>* body = nullptr;
  bool backwards = false;  // turn order, alternating per block: one of the two orders exposes a missing barrier
};

Machine& machine() {
  static Machine m;
  return m;
}

}  // namespace

void yieldToOthers() {
  Machine& m = machine();
  swapcontext(&m.fibres[m.current.thread].context, &m.scheduler);
}

namespace {

void release(Barrier& barrier) {
  barrier.arrived = 0;
  ++barrier.generation;
}

void waitAt(Barrier& barrier) {
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == barrier.members) {
    release(barrier);
    return;
  }
  while (barrier.generation == generation) {
    yieldToOthers();
  }
}

void leave(Barrier& barrier) {
  if (--barrier.members > 0 && barrier.arrived == barrier.members) {
    release(barrier);
  }
}

void fibreMain() {
  Machine& m = machine();
  const unsigned thread = m.current.thread;
  (*m.body)();
  m.fibres[thread].done = true;
  leave(m.block);
  leave(m.warps[thread / kWarp]);
}

void startBlock(Machine& m, unsigned threads) {
  while (m.fibres.size() < threads) {
    m.fibres.emplace_back();
  }
  m.exchange.assign(threads, 0);
  m.block = {threads, 0, 0};
  m.warps.assign((threads + kWarp - 1) / kWarp, {});
  m.groups.assign((threads + kGroup - 1) / kGroup, {kGroup, 0, 0});
  ++m.block_number;
  for (unsigned thread = 0; thread < threads; ++thread) {
    ++m.warps[thread / kWarp].members;
    Fibre& fibre = m.fibres[thread];
    fibre.done = false;
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.get();
    fibre.context.uc_stack.ss_size = kStackBytes;
    fibre.context.uc_link = &m.scheduler;
    makecontext(&fibre.context, fibreMain, 0);
  }
}

void runBlock(Machine& m, unsigned threads) {
  startBlock(m, threads);
  m.backwards = !m.backwards;
  for (unsigned left = threads; left > 0;) {
    for (unsigned turn = 0; turn < threads; ++turn) {
      const unsigned thread = m.backwards ? threads - 1 - turn : turn;
      if (!m.fibres[thread].done) {
        m.current.thread = thread;
        swapcontext(&m.scheduler, &m.fibres[thread].context);
        left -= m.fibres[thread].done ? 1 : 0;
      }
    }
  }
}

}  // namespace

HostThread& hostThread() {
  return machine().current;
}

void runOnHost(dim3 grid, unsigned threads, const std::function<void()>& body) {
  Machine& m = machine();
  m.body = &body;
  m.current.grid = grid;
  m.current.threads = dim3(threads);
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        m.current.block = dim3(x, y, z);
        runBlock(m, threads);
      }
    }
  }
}

void syncBlock() {
  waitAt(machine().block);
}

void syncWarp() {
  Machine& m = machine();
  waitAt(m.warps[m.current.thread / kWarp]);
}
void syncGroup(int group) {
  waitAt(machine().groups[static_cast<std::size_t>(group)]);
}
bool runsInReverse() {
  return machine().backwards;
}
unsigned long long blockNumber() {
  return machine().block_number;
}

unsigned long long shuffleXor(unsigned long long value, int lane_mask) {
  Machine& m = machine();
  const unsigned thread = m.current.thread;
  m.exchange[thread] = value;
  waitAt(m.warps[thread / kWarp]);
  const unsigned long long other = m.exchange[thread ^ static_cast<unsigned>(lane_mask)];
  waitAt(m.warps[thread / kWarp]);
  return other;
}
float shuffleXor(float value, int lane_mask) {
  return floatOfBits(static_cast<unsigned>(shuffleXor(static_cast<unsigned long long>(bitsOfFloat(value)), lane_mask)));
}

}  // namespace kvatlas::kernels
