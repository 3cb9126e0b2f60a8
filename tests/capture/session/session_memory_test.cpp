// What a prefill keeps of the last query's attention, counted in bytes of operator new.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "capture/session/session.h"

namespace {

std::atomic<std::size_t> live_bytes{0}, most_bytes{0};

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t now = live_bytes += malloc_usable_size(memory);
  for (std::size_t most = most_bytes; now > most && !most_bytes.compare_exchange_weak(most, now);) {
  }
  return memory;
}
void release(void* memory) {
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(std::malloc(std::max<std::size_t>(bytes, 1)));
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kLayers = 8, kHeads = 8, kTokens = 2000, kWindow = 64;
constexpr std::size_t kRow = std::size_t{kHeads} * kTokens * sizeof(float);

std::shared_ptr<LoadedModel> randomModel() {
  auto model = std::make_shared<LoadedModel>();
  ModelConfig& config = model->config;
  config.layers = kLayers;
  config.query_heads = kHeads;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.hidden_size = 64;
  config.intermediate_size = 64;
  config.vocab_size = 100;
  config.max_positions = 2 * kTokens;
  model->dtype_name = "f32";
  model->decoder.emplace(Decoder::random(config, model->load));
  return model;
}

// Bytes that a session holds on to between its second layer and its last.
std::size_t keptByLayers(const SessionOptions& options, bool attended) {
  const auto model = randomModel();
  PreparedPrompt prompt{.ids = std::vector<TokenId>(kTokens, 5), .offsets = std::vector<std::uint64_t>(kTokens + 1, 0)};
  Session session(options, model, prompt, {});
  std::vector<std::size_t> at_layer;
  at_layer.reserve(kLayers);
  session.setLayerSink([&](const LayerAttention&, LayerStatistics&) { at_layer.push_back(live_bytes); },
                       {.wanted = {Signal::Received, Signal::WindowRows}, .window = kWindow},
                       std::vector<bool>(kLayers, true));
  if (attended) session.watchAttended();
  const SessionResult result = session.run({});
  EXPECT_EQ(result.tracks.front().rows.attended.positions.empty(), !attended);
  EXPECT_EQ(at_layer.size(), kLayers);
  return std::max(at_layer.back(), at_layer[1]) - at_layer[1];
}

TEST(SessionMemory, aCaptureOfTheFullCacheAloneKeepsNoRowOfALayer) {
  SessionOptions options{.window = kWindow, .max_new_tokens = 2, .threads = 1};
  static_cast<void>(keptByLayers(options, true));  // libraries keep something of the first run
  EXPECT_LT(keptByLayers(options, true), kRow) << "only the keys with most";
  EXPECT_LT(keptByLayers(options, false), kRow);
  options.methods = {policy::parseMethod("streamingllm")};
  options.budgets = {policy::parseBudget("128")};
  EXPECT_GT(keptByLayers(options, true), (kLayers - 2) * kRow - kRow)
      << "what a run retains of the first token is known only after all layers";
}

// Most bytes of a prefill whose observer wants the last row, and perhaps others.
std::size_t mostOfPrefill(SignalSet wanted) {
  const auto model = randomModel();
  SignalCollector collector(model->config, {.wanted = wanted, .last_row = true, .window = kWindow}, 1);
  collector.keepOfLastRow(false, true);
  const std::vector<TokenId> ids(kTokens, 5);
  const std::size_t before = live_bytes;
  most_bytes = before;
  static_cast<void>(model->decoder->prefill(ids, &collector, {}));
  collector.finish();
  EXPECT_EQ(collector.lastTop(LayerIndex{kLayers - 1}).size(), std::size_t{kHeads} * kAttendedKeys);
  return most_bytes - before;
}

TEST(SessionMemory, theLastRowAloneNeedsNoWindow) {
  EXPECT_LT(mostOfPrefill({}), kWindow / 4 * kRow);
  EXPECT_GT(mostOfPrefill({Signal::WindowRows}), kWindow * kRow);
}

}  // namespace
}  // namespace kvatlas::capture::test
