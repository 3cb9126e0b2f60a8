// The choice of an attention kernel and its fallbacks, with CPU kernels instead of the device's.
#include "capture/model/cuda_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvatlas::capture {
namespace {

AttentionOutput fused(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::uint64_t window) {
  return causalAttention(q, k, v, window, [] {});
}
AttentionKernel good(bool takes_window = true) {
  return {"good", takes_window, fused};
}
AttentionKernel changed(std::string name, std::function<void(AttentionOutput&)> change) {
  return {std::move(name), true, [change](const auto& q, const auto& k, const auto& v, std::uint64_t window) {
            AttentionOutput out = fused(q, k, v, window);
            change(out);
            return out;
          }};
}

const at::Tensor& like() {
  static const at::Tensor tensor = at::randn({4, 8, 64});
  return tensor;
}

TEST(CudaAttention, plainAttentionIsTheFusedOne) {
  const at::Tensor q = at::randn({6, 300, 16}), k = at::randn({2, 300, 16}), v = at::randn({2, 300, 16});
  for (const std::uint64_t window : {0, 1, 40, 299}) {
    const AttentionOutput a = plainAttention(q, k, v, window, 64), b = fused(q, k, v, window);
    EXPECT_LT((a.output - b.output).abs().max().item<float>(), 1e-5) << window;
    EXPECT_LT((a.lse - b.lse).abs().max().item<float>(), 1e-5) << window;
  }
}

TEST(CudaAttention, aRightKernelIsTaken) {
  EXPECT_EQ(checkAttention(good(), like(), 0), "");
  EXPECT_EQ(checkAttention(good(), like(), 5), "");
}

TEST(CudaAttention, theTrapsOfLogSumExpAreFound) {
  const auto wrong = [](const std::function<void(AttentionOutput&)>& change) {
    return checkAttention(changed("wrong", change), like(), 0);
  };
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.lse = out.lse * 1.4427; }), testing::HasSubstr("log-sum-exp is off"))
      << "base 2";
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.lse = out.lse.flip({1}); }),
              testing::HasSubstr("log-sum-exp is off"));
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.lse = at::Tensor(); }), testing::HasSubstr("no log-sum-exp"));
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.lse = out.lse.unsqueeze(2); }),
              testing::HasSubstr("no log-sum-exp"));
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.output = out.output.flip({0}); }),
              testing::HasSubstr("output is off"));
  EXPECT_THAT(wrong([](AttentionOutput& out) { out.output[0][0][0] = NAN; }), testing::HasSubstr("output is off"));
}

TEST(CudaAttention, anotherKernelIsTakenAndSaid) {
  std::vector<std::string> said;
  const auto warn = [&](const std::string& text) { said.push_back(text); };
  const AttentionKernel throws{"absent", true,
                               [](const auto&, const auto&, const auto&, std::uint64_t) -> AttentionOutput {
                                 TORCH_CHECK(false, "no kernel image");
                               }};
  const std::vector<AttentionKernel> kernels{
      throws, changed("off", [](AttentionOutput& out) { out.lse = out.lse + 1; }), good()};
  EXPECT_EQ(chooseAttention(kernels, like(), 0, warn).name, "good");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said[0], testing::AllOf(testing::HasSubstr("absent"), testing::HasSubstr("no kernel image")));
  EXPECT_THAT(said[1], testing::HasSubstr("off"));
}

TEST(CudaAttention, aKernelThatRefusesALongerPromptIsReplacedOnce) {
  std::vector<std::string> said;
  const auto warn = [&](const std::string& text) { said.push_back(text); };
  int asked = 0;
  const AttentionKernel timid{"timid", true, [&](const auto& q, const auto& k, const auto& v, std::uint64_t window) {
                                ++asked;
                                TORCH_CHECK(q.size(1) <= 250, "no valid execution plan");
                                return fused(q, k, v, window);
                              }};
  const AttentionKernel chosen = chooseAttention(std::vector<AttentionKernel>{timid, good()}, like(), 0, warn);
  EXPECT_EQ(chosen.name, "timid");
  const at::Tensor q = at::randn({4, 300, 64}), k = at::randn({2, 300, 64}), v = at::randn({2, 300, 64});
  const AttentionOutput expected = fused(q, k, v, 0);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(chosen.attend(q, k, v, 0).output.equal(expected.output));
  EXPECT_EQ(asked, 2) << "the small case, then once";
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], testing::AllOf(testing::HasSubstr("timid"), testing::HasSubstr("300 tokens"),
                                      testing::HasSubstr("no valid execution plan")));
}

TEST(CudaAttention, noMemoryIsNoReasonForASlowerKernel) {
  std::vector<std::string> said;
  const AttentionKernel hungry{"hungry", true, [](const auto& q, const auto& k, const auto& v, std::uint64_t window) {
                                 TORCH_CHECK_WITH(OutOfMemoryError, q.size(1) <= 250, "out of memory");
                                 return fused(q, k, v, window);
                               }};
  const AttentionKernel chosen = chooseAttention(std::vector<AttentionKernel>{hungry, good()}, like(), 0,
                                                 [&](const std::string& text) { said.push_back(text); });
  const at::Tensor q = at::randn({4, 300, 64}), k = at::randn({2, 300, 64});
  EXPECT_THROW(static_cast<void>(chosen.attend(q, k, k, 0)), c10::OutOfMemoryError);
  EXPECT_TRUE(said.empty());
}

TEST(CudaAttention, aWindowNeedsAKernelThatTakesIt) {
  const std::vector<AttentionKernel> kernels{good(false)};
  std::string said;
  const AttentionKernel chosen = chooseAttention(kernels, like(), 5, [&](const std::string& text) { said = text; });
  EXPECT_EQ(chosen.name, "plain");
  EXPECT_THAT(said, testing::HasSubstr("plain matrix products"));
  EXPECT_EQ(checkAttention(chosen, like(), 5), "");
}

}  // namespace
}  // namespace kvatlas::capture
