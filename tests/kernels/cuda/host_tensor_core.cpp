#include "tests/kernels/cuda/host_tensor_core.h"

#include <array>
#include <deque>
#include <map>
#include <stdexcept>
#include <vector>

namespace kvatlas::kernels {

namespace {

constexpr unsigned kSharedStart = 1024;  // address of the first byte

struct BarrierState {
  unsigned arrivals = 0, missing = 0;
  long bytes = 0;
  unsigned phase = 0;
};
struct Copy {  // by cp.async
  void* target;
  std::array<char, 16> bytes;
};
struct Box {  // by the copy engine
  char* target;
  TensorMap map;
  SharedBarrier* barrier;
  int dimension, row, head;
};
struct Product {
  float* sums;
  std::uint64_t query, key;
  bool add;
  ToFloat to_float;
};

// State of the current block; reset for the next one.
struct BlockState {
  unsigned long long block = 0;
  std::map<SharedBarrier*, BarrierState> barriers;
  std::map<unsigned, std::deque<std::vector<Copy>>> copies;  // per thread; the last group is open
  std::map<unsigned, std::vector<Product>> products;         // per thread
  std::deque<Box> boxes;
  std::map<unsigned, std::array<unsigned, 6>> words;  // the words a thread shares with its warp
  std::map<unsigned, const char*> rows;
  unsigned long long time = 0;
};

alignas(1024) char g_memory[kMostSharedBytes];

BlockState& block() {
  static BlockState state;
  if (state.block != blockNumber()) {
    state = {};
    state.block = blockNumber();
    std::memset(g_memory, 0xFF, sizeof g_memory);  // NaN: exposes memory that was never written
  }
  return state;
}

unsigned self() {
  return hostThread().thread;
}

BarrierState& stateOf(SharedBarrier* barrier) {
  const auto found = block().barriers.find(barrier);
  if (found == block().barriers.end()) throw std::logic_error("a barrier is used before initBarrier");
  return found->second;
}

void completeIfDone(BarrierState& state) {
  if (state.missing == 0 && state.bytes == 0) {
    ++state.phase;
    state.missing = state.arrivals;
  }
}

// The 128-byte swizzle: address bits 4–6 are XORed with bits 7–9.
unsigned swizzled(unsigned address) {
  return address ^ (address >> 7 & 7) << 4;
}

char* at(unsigned address) {
  if (address < kSharedStart || address - kSharedStart >= sizeof g_memory)
    throw std::logic_error("an address outside shared memory");
  return g_memory + (address - kSharedStart);
}

void carryOut(const Box& box) {
  const unsigned start = sharedAddress(box.target);
  if (start % 1024 != 0) throw std::logic_error("a copy to an address that is not aligned");
  for (unsigned row = 0; row < 64; ++row) {
    for (unsigned i = 0; i < 64; ++i) {
      const auto token = static_cast<uint64_t>(box.row) + row, dimension = static_cast<uint64_t>(box.dimension) + i;
      const bool inside = token < box.map.tokens && dimension < box.map.head_dim;
      const uint64_t source = (static_cast<uint64_t>(box.head) * box.map.tokens + token) * box.map.head_dim + dimension;
      const std::uint16_t value =
          inside ? reinterpret_cast<const std::uint16_t*>(box.map.values)[source] : std::uint16_t{0};
      std::memcpy(at(swizzled(start + row * 128 + i * 2)), &value, 2);
    }
  }
  BarrierState& state = stateOf(box.barrier);
  state.bytes -= 64 * 128;
  completeIfDone(state);
}

// Element (row, k) of the K-major operand that a descriptor addresses.
std::uint16_t operandElement(std::uint64_t descriptor, unsigned row, unsigned k) {
  if (descriptor >> 62 != 1) throw std::logic_error("not the 128-byte swizzle");
  const auto start = static_cast<unsigned>(descriptor & 0x3FFF) << 4;
  const auto stride = static_cast<unsigned>(descriptor >> 32 & 0x3FFF) << 4;
  std::uint16_t value;
  std::memcpy(&value, at(swizzled(start + row / 8 * stride + row % 8 * 128 + k * 2)), 2);
  return value;
}

// D fragment of wgmma m64n128: d[(n/8)·4 + (row upper half)·2 + n mod 2] of thread 32·(row/16) + (row mod 8)·4 +
// (n mod 8)/2.
void carryOut(const Product& product, unsigned thread) {
  const unsigned warp = thread % 128 / 32, lane = thread % 32;
  for (unsigned i = 0; i < 64; ++i) {
    const unsigned row = warp * 16 + lane / 4 + (i % 4 / 2) * 8, key = i / 4 * 8 + lane % 4 * 2 + i % 2;
    float sum = product.add ? product.sums[i] : 0.0F;
    for (unsigned k = 0; k < 16; ++k)
      sum += product.to_float(operandElement(product.query, row, k)) *
             product.to_float(operandElement(product.key, key, k));
    product.sums[i] = sum;
  }
}

std::uint16_t halfOf(unsigned word, unsigned upper) {
  return static_cast<std::uint16_t>(word >> (16 * upper));
}

}  // namespace

const char* makeTensorMap(TensorMap& map, const void* values, uint64_t heads, uint64_t tokens, uint64_t head_dim,
                          bool) {
  map = {static_cast<const char*>(values), heads, tokens, head_dim};
  return head_dim * 2 % 16 != 0 ? "strides must be multiples of 16 bytes" : nullptr;
}

char* sharedMemory() {
  static_cast<void>(block());
  return g_memory;
}
unsigned sharedAddress(const void* pointer) {
  return static_cast<unsigned>(static_cast<const char*>(pointer) - g_memory) + kSharedStart;
}

float fromHalfBits(std::uint16_t bits) {
  __half value;
  std::memcpy(&value, &bits, 2);
  return __half2float(value);
}
float fromBf16Bits(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

// Executed when awaited, so premature reads still see NaN.
void copyChunk(void* target, const void* source, bool inside) {
  auto& groups = block().copies[self()];
  if (groups.empty()) groups.emplace_back();
  Copy copy{target, {}};
  if (inside) std::memcpy(copy.bytes.data(), source, 16);
  groups.back().push_back(copy);
}
void commitCopies() {
  auto& groups = block().copies[self()];
  if (groups.empty()) groups.emplace_back();
  groups.emplace_back();
}
void waitForCopyGroups(unsigned left) {
  auto& groups = block().copies[self()];
  while (groups.size() > left + 1) {
    for (const Copy& copy : groups.front()) std::memcpy(copy.target, copy.bytes.data(), 16);
    groups.pop_front();
  }
}

// Matrix m has its eight row addresses from lanes 8m … 8m+7; lane l gets elements 2(l mod 4), +1 of row l/4.
void loadFragments(const void* row, unsigned (&fragment)[4]) {
  auto& rows = block().rows;
  const unsigned first = self() / 32 * 32, lane = self() % 32;
  rows[self()] = static_cast<const char*>(row);
  syncWarp();
  for (unsigned matrix = 0; matrix < 4; ++matrix)
    std::memcpy(&fragment[matrix], rows[first + matrix * 8 + lane / 4] + lane % 4 * 4, 4);
  syncWarp();
}

// A fragment: a0 (row l/4, k 2(l mod 4)), a1 (row + 8), a2 (k + 8), a3 (both); B: b0 (k 2(l mod 4), column l/4), b1
// (k + 8); C: rows l/4 and l/4 + 8, columns 2(l mod 4), +1.
void multiplyFragments(float* sums, const unsigned (&a)[4], const unsigned* b, ToFloat to_float) {
  auto& words = block().words;
  const unsigned first = self() / 32 * 32, lane = self() % 32;
  words[self()] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  syncWarp();
  for (unsigned c = 0; c < 4; ++c) {
    const unsigned row = lane / 4 + c / 2 * 8, column = lane % 4 * 2 + c % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned query = words[first + row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2];
      const unsigned key = words[first + column * 4 + k % 8 / 2][4 + k / 8];
      sums[c] += to_float(halfOf(query, k % 2)) * to_float(halfOf(key, k % 2));
    }
  }
  syncWarp();
}

// Executed as late as possible, so a stage that is released too early is overwritten by then.
void beginProductOf(float* sums, std::uint64_t query, std::uint64_t key, bool add, ToFloat to_float) {
  block().products[self()].push_back({sums, query, key, add, to_float});
}
void finishProducts() {
  for (const Product& product : block().products[self()]) carryOut(product, self());
  block().products[self()].clear();
  syncWarp();
}

void initBarrier(SharedBarrier* barrier, unsigned arrivals) {
  block().barriers[barrier] = {arrivals, arrivals, 0, 0};
}
void publishBarriers() {}
void arrive(SharedBarrier* barrier) {
  BarrierState& state = stateOf(barrier);
  if (state.missing == 0) throw std::logic_error("more arrivals at a barrier than it expects");
  --state.missing;
  completeIfDone(state);
}
void arriveExpecting(SharedBarrier* barrier, unsigned bytes) {
  stateOf(barrier).bytes += bytes;
  arrive(barrier);
}
bool tryWait(SharedBarrier* barrier, unsigned parity) {
  if (stateOf(barrier).phase % 2 != parity) return true;
  auto& boxes = block().boxes;
  if (!boxes.empty()) {
    const Box last = boxes.back();  // in an order the kernel must not rely on: the latest first
    boxes.pop_back();
    carryOut(last);
  }
  yieldToOthers();
  return stateOf(barrier).phase % 2 != parity;
}
// Ends a deadlock after some thousand turns.
unsigned long long nanoseconds() {
  return block().time += 100'000;
}

// Immediately in every other block, else as late as possible.
void copyBox(void* target, const TensorMap* map, SharedBarrier* barrier, int dimension, int row, int head) {
  const Box box{static_cast<char*>(target), *map, barrier, dimension, row, head};
  if (runsInReverse()) {
    carryOut(box);
  } else {
    block().boxes.push_back(box);
  }
}

}  // namespace kvatlas::kernels
