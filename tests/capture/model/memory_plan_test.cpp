#include "capture/model/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace kvatlas::capture {
namespace {

constexpr std::uint64_t kGb = 1'000'000'000;

ModelConfig llama8b() {
  ModelConfig config;
  config.layers = 32;
  config.query_heads = 32;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.hidden_size = 4096;
  config.intermediate_size = 14336;
  config.vocab_size = 128256;
  return config;
}

ModelConfig llama70b() {
  ModelConfig config = llama8b();
  config.layers = 80;
  config.query_heads = 64;
  config.hidden_size = 8192;
  config.intermediate_size = 28672;
  return config;
}

MemoryQuestion longPrompt() {
  return {.tokens = 131072, .new_tokens = 64, .row_chunk = 4096};
}

TEST(MemoryPlan, weightsAreTheParametersOfTheModel) {
  const MemoryNeed need = memoryNeed(llama8b(), longPrompt());
  EXPECT_EQ(need.ends + 32 * need.layer_weights, 2 * 8'030'261'248U) << "parameters of Llama 3 8B";
  EXPECT_EQ(need.layer_cache, 2U * 2 * 8 * 128 * (131072 + 64));
}

TEST(MemoryPlan, eightBillionParametersAt128kFitOneCardOf80GB) {
  const MemoryNeed need = memoryNeed(llama8b(), longPrompt());
  EXPECT_LT(need.total(1), 45 * kGb);
  const std::vector<DeviceMemory> card{{0, 79 * kGb, 80 * kGb}};
  const auto placed = placeLayers(need, card);
  ASSERT_TRUE(placed);
  EXPECT_THAT(*placed, testing::AllOf(testing::SizeIs(32), testing::Each(0)));
}

TEST(MemoryPlan, workingMemoryGrowsLinearly) {
  MemoryQuestion question = longPrompt();
  const std::uint64_t at128k = memoryNeed(llama8b(), question).working;
  question.tokens *= 2;
  EXPECT_LT(memoryNeed(llama8b(), question).working, 2 * at128k);
}

TEST(MemoryPlan, seventyBillionParametersAreSpreadByFreeMemory) {
  const MemoryNeed need = memoryNeed(llama70b(), {.tokens = 8192, .new_tokens = 64, .row_chunk = 4096});
  const std::vector<DeviceMemory> cards{{3, 79 * kGb, 80 * kGb}, {1, 79 * kGb, 80 * kGb}, {0, 79 * kGb, 80 * kGb}};
  const auto placed = placeLayers(need, cards);
  ASSERT_TRUE(placed);
  ASSERT_EQ(placed->size(), 80U);
  EXPECT_EQ(std::ranges::count(*placed, 0), 0) << "two cards are enough";
  EXPECT_LE(std::ranges::count(*placed, 3), std::ranges::count(*placed, 1)) << "the first holds the embedding too";
  EXPECT_TRUE(std::ranges::is_sorted(*placed, std::greater<>{})) << "consecutive layers in the order of the devices";
}

// For any free memory: no device exceeds its room, every layer has a device.
TEST(MemoryPlan, noDeviceIsOverfilled) {
  const MemoryNeed need = memoryNeed(llama70b(), {.tokens = 32768, .new_tokens = 64, .row_chunk = 4096});
  unsigned random = 1;
  int placed_at_all = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<DeviceMemory> cards;
    for (int d = 0; d < 4; ++d) {
      random = random * 1664525U + 1013904223U;
      cards.push_back({d, (random >> 8) % 100 * kGb, 100 * kGb});
    }
    const auto placed = placeLayers(need, cards);
    if (!placed) continue;
    ++placed_at_all;
    ASSERT_EQ(placed->size(), 80U);
    for (std::size_t d = 0; d < 4; ++d) {
      const auto layers = static_cast<std::uint64_t>(std::ranges::count(*placed, static_cast<int>(d)));
      if (layers == 0) continue;
      EXPECT_LE(need.working + (d == 0 ? need.ends : 0) + layers * (need.layer_weights + need.layer_cache),
                cards[d].free);
    }
  }
  EXPECT_GT(placed_at_all, 50);
}

TEST(MemoryPlan, oneDeviceThatIsTooSmallGetsNothing) {
  const std::vector<DeviceMemory> card{{0, 10 * kGb, 24 * kGb}};
  EXPECT_FALSE(placeLayers(memoryNeed(llama8b(), longPrompt()), card));
}

TEST(MemoryPlan, outOfMemorySaysNeedFreeAndWhatHelps) {
  const std::vector<DeviceMemory> card{{2, 22 * kGb, 24 * kGb}};
  MemoryQuestion question{.tokens = 8192, .new_tokens = 64, .element_bytes = 4, .row_chunk = 4096};
  const std::string text = outOfMemoryText(llama8b(), question, card, 4);
  EXPECT_THAT(text, testing::HasSubstr("weights 32.1"));
  EXPECT_THAT(text, testing::HasSubstr("cuda:2 22.0 of 24.0 GB"));
  EXPECT_THAT(text, testing::HasSubstr("--dtype bf16"));
  EXPECT_THAT(text, testing::HasSubstr("--device cuda:0,cuda:1"));
  question.element_bytes = 2;
  question.tokens = 131072;
  const std::string longer = outOfMemoryText(llama8b(), question, card, 1);
  EXPECT_THAT(longer, testing::Not(testing::HasSubstr("--dtype bf16")));
  EXPECT_THAT(longer, testing::Not(testing::HasSubstr("more devices"))) << "there are none";
  EXPECT_THAT(longer, testing::HasSubstr("a prompt of at most"));
  question.tokens = 4096;
  question.branches = 17;
  question.kept_share = 4.0;
  EXPECT_THAT(outOfMemoryText(llama8b(), question, card, 1), testing::HasSubstr("fewer --method"));
}

// Llama 3 8B in f32 at 128k tokens: 34.4 GB of keys and values, 2.1 GB of residual rows.
TEST(MemoryPlan, theHostNeedsItsCacheAtLeast) {
  MemoryQuestion question{.tokens = 131072, .new_tokens = 64, .element_bytes = 4, .branches = 3, .kept_share = 0.5};
  const HostNeed need = hostNeed(llama8b(), question);
  EXPECT_EQ(need.cache, std::uint64_t{32} * 2 * 4 * 8 * 128 * 131072);
  EXPECT_EQ(need.least, need.cache + std::uint64_t{4} * 131072 * 4096);
  EXPECT_GT(need.about, 2 * need.cache);
  EXPECT_THAT(missingHostMemory(llama8b(), question, need.least), testing::IsEmpty());
  const std::string text = missingHostMemory(llama8b(), question, 20 * kGb);
  EXPECT_THAT(text, testing::HasSubstr("131072 tokens needs at least 36.5 GB"));
  EXPECT_THAT(text, testing::HasSubstr("keys and values 34.4"));
  EXPECT_THAT(text, testing::HasSubstr("20.0 GB are free"));
  EXPECT_THAT(text, testing::HasSubstr("--dtype bf16 or a prompt of at most 55296 tokens"));
  question.tokens = 55296;
  EXPECT_THAT(missingHostMemory(llama8b(), question, 20 * kGb), testing::IsEmpty());
  question.tokens = 131072;
  EXPECT_THAT(missingHostMemory(llama8b(), question, 10 * kGb), testing::Not(testing::HasSubstr("bf16")));
}

}  // namespace
}  // namespace kvatlas::capture
