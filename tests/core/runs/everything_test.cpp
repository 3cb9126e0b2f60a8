// A decision that evicts nothing takes the memory of one list, whatever the model.
#include <gtest/gtest.h>

#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

constexpr Shape kLong{32, 32, 8, 131'072};

std::size_t bytesOf(const Decision& decision) {
  return sizeof(Decision) + decision.capacity.capacity() * sizeof(decision.capacity[0]) +
         decision.offsets.capacity() * sizeof(decision.offsets[0]) +
         decision.positions.capacity() * sizeof(decision.positions[0]);
}

Decision decisionOf(const char* method, const char* budget, Granularity granularity) {
  const MethodRequest request = parseMethod(method);
  return decide(*request.method, makeSetting(request, kLong, parseBudget(budget), granularity, Preset::Exact, 8), {});
}

TEST(Everything, TakesLessThanAMegabyte) {
  for (const auto& [method, budget] : {std::pair("full", "full"), std::pair("snapkv", "131072"),
                                       std::pair("pyramidkv", "200000"), std::pair("streamingllm", "100%")}) {
    const Decision decision = decisionOf(method, budget, Granularity::KvHead);
    EXPECT_TRUE(decision.everything) << method;
    EXPECT_LT(bytesOf(decision), 1'000'000U) << method;
  }
  EXPECT_LT(bytesOf(decisionOf("h2o", "full", Granularity::QueryHead)), 1'000'000U);
}

TEST(Everything, KeepsEveryTokenOfEveryHead) {
  const Decision decision = decisionOf("full", "full", Granularity::KvHead);
  EXPECT_EQ(decision.keptTokens(), std::uint64_t{32} * 8 * 131'072);
  EXPECT_EQ(decision.meanKept(), 131'072.0);
  ASSERT_EQ(decision.offsets.size(), 32U * 8 + 1);
  ASSERT_EQ(decision.capacity, std::vector<std::uint32_t>(32 * 8, 131'072));
  for (const std::uint32_t row : {0U, 1U, 100U, 255U}) {
    EXPECT_EQ(decision.offsets[row + 1], std::uint64_t{row + 1} * 131'072);
    const auto kept = decision.kept(LayerIndex(row / 8), row % 8);
    ASSERT_EQ(kept.size(), 131'072U) << row;
    for (std::uint32_t i = 0; i < kept.size(); ++i) ASSERT_EQ(kept[i], i) << row;
  }
}

TEST(Everything, IsNotSaidOfASmallerBudget) {
  const MethodRequest request = parseMethod("streamingllm");
  const Shape shape{2, 4, 2, 100};
  const Setting setting = makeSetting(request, shape, parseBudget("99"), Granularity::KvHead, Preset::Exact, 8);
  const Decision decision = decide(*request.method, setting, {});
  EXPECT_FALSE(decision.everything);
  EXPECT_EQ(decision.positions.size(), 2U * 2 * 99);
  EXPECT_EQ(decision.kept(LayerIndex(1), 1).size(), 99U);
}

}  // namespace
}  // namespace kvatlas::policy
