// Row chunks bound the working memory of a prefill; the test counts libtorch's allocations.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "capture/model/decoder.h"

namespace kvatlas::capture::test {
namespace {

// The context of a block is its memory: oneDNN takes its own memory raw, which allows nothing else.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* inner) : m_inner(inner) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    c10::DataPtr memory = m_inner->allocate(bytes);
    void* const data = memory.get();
    if (data == nullptr) return memory;
    const std::scoped_lock lock(m_mutex);
    m_blocks.emplace(data, Block{std::move(memory), bytes});
    m_now += bytes;
    m_most = std::max(m_most, m_now);
    return {data, data, &CountingAllocator::release, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::release; }
  void copy_data(void* target, const void* source, std::size_t count) const override {
    default_copy_data(target, source, count);
  }
  void restart() {
    const std::scoped_lock lock(m_mutex);
    m_most = m_now;
  }
  [[nodiscard]] std::size_t mostSince(std::size_t start) const {
    const std::scoped_lock lock(m_mutex);
    return m_most - start;
  }
  [[nodiscard]] std::size_t now() const {
    const std::scoped_lock lock(m_mutex);
    return m_now;
  }

 private:
  struct Block {
    c10::DataPtr memory;
    std::size_t bytes;
  };
  static void release(void* data);

  c10::Allocator* m_inner;
  mutable std::mutex m_mutex;
  std::unordered_map<void*, Block> m_blocks;
  std::size_t m_now = 0, m_most = 0;
};

// Never destroyed: tensors return their memory to it later.
CountingAllocator& counting() {
  static auto* const allocator = [] {
    auto* const made = new CountingAllocator(c10::GetCPUAllocator());
    c10::SetCPUAllocator(made, 100);
    return made;
  }();
  return *allocator;
}

void CountingAllocator::release(void* data) {
  CountingAllocator& self = counting();
  const std::scoped_lock lock(self.m_mutex);
  const auto found = self.m_blocks.find(data);
  if (found == self.m_blocks.end()) return self.m_inner->raw_deallocate(data);  // older than this allocator
  self.m_now -= found->second.bytes;
  self.m_blocks.erase(found);
}

constexpr std::size_t kTokens = 1024, kInner = 4096, kVocabulary = 3000;

std::size_t peakOf(std::int64_t chunk, bool all_logits) {
  ModelConfig config;
  config.layers = 2;
  config.query_heads = 4;
  config.kv_heads = 2;
  config.head_dim = 16;
  config.hidden_size = 64;
  config.intermediate_size = kInner;
  config.vocab_size = kVocabulary;
  config.max_positions = kTokens;
  CountingAllocator& memory = counting();
  const Decoder decoder = Decoder::random(config, {.row_chunk = chunk});
  const std::vector<TokenId> ids(kTokens, 5);
  const std::size_t start = memory.now();
  memory.restart();
  if (all_logits)
    static_cast<void>(decoder.allLogits(ids));
  else
    static_cast<void>(decoder.prefill(ids, nullptr, {}));
  return memory.mostSince(start);
}

TEST(PeakMemory, theMlpTakesAChunkAtATime) {
  const std::size_t whole = 2 * kTokens * kInner * sizeof(float);  // gate and up at once
  EXPECT_GT(peakOf(kTokens, false), whole);
  EXPECT_LT(peakOf(64, false), whole / 4);
}

TEST(PeakMemory, logitsTakeAChunkAtATime) {
  const std::size_t result = kTokens * kVocabulary * sizeof(float);
  EXPECT_GT(peakOf(kTokens, true), 2 * result);
  EXPECT_LT(peakOf(64, true), result + result / 2);
}

}  // namespace
}  // namespace kvatlas::capture::test
