// The second pass over a prompt: its words, and that it leaves everything else as it was. Its scores are in
// method_scores_test.cpp.
#include "capture/session/signals/reconstruction.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include "capture/model/attention.h"
#include "capture/session/session.h"
#include "capture/session/signals/repeat_attention.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

class Repeating : public testing::Test {
 protected:
  [[nodiscard]] static SessionOptions options(std::vector<const char*> methods, const char* chat = "") {
    SessionOptions options{.model = modelFolder("tiny-llama")};
    options.prompt.text =
        "Anne walked to the sea. The secret number of Emma is 48213. The sea was grey, and she said so.";
    options.prompt.chat = chat;
    for (const char* method : methods) options.methods.push_back(policy::parseMethod(method));
    options.budgets = {policy::parseBudget("16")};
    options.max_new_tokens = 4;
    options.device = "cpu";
    return options;
  }
  [[nodiscard]] static SessionResult run(const SessionOptions& options) {
    Session session(options, {});
    session.loadWeights({});
    return session.run({});
  }
  OneThread m_one_thread;
};

TEST_F(Repeating, asksInWordsAndEndsTheTurnOfItsTemplate) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(modelFolder("tiny-llama"));
  const RepeatRequest plain = repeatRequest(tokenizer, modelFolder("tiny-llama"), "unused");
  EXPECT_EQ(tokenizer.decode(plain.first), "\n\nRepeat the previous context exactly.");
  EXPECT_EQ(tokenizer.decode(plain.later), "\n\nRepeat the part of the previous context exactly, starting with");
  EXPECT_EQ(tokenizer.decode(plain.suffix), "\n");
  const std::string turn = tokenizer.decode(repeatRequest(tokenizer, modelFolder("tiny-llama"), "llama3").suffix);
  EXPECT_THAT(turn, StartsWith("<|eot_id|>"));
  EXPECT_THAT(turn, EndsWith("assistant<|end_header_id|>\n\n"));
}

// The kernel of the processor against plain operations, which a device without it runs.
TEST_F(Repeating, attentionIsTheSameFromTheKernelAndFromOperations) {
  const at::Tensor query = at::randn({4, 90, 16}, at::kFloat) * 2, key = at::randn({2, 290, 16}, at::kFloat),
                   value = at::randn({2, 290, 16}, at::kFloat);
  for (const std::uint64_t window : {0, 150})
    for (const RepeatColumns& columns : {RepeatColumns{.begin = 0, .end = 200}, RepeatColumns{.begin = 0, .end = 70},
                                         RepeatColumns{.sinks = 4, .begin = 70, .end = 200}})
      for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
        SCOPED_TRACE(testing::Message() << columns.begin << " " << columns.end << " " << window << " " << type);
        RepeatColumns of = columns;
        of.prompt_tokens = 200;
        of.sliding_window = window;
        const at::Tensor q = query.to(type), k = key.to(type);
        const at::Tensor lse = causalAttention(
                                   q, k, value.to(type), window, [] {}, 1)
                                   .lse;
        const at::Tensor fast = mostAttention(of, q, k, lse, 1, [] {});
        const at::Tensor plain = mostAttentionInOperations(of, q, k, [] {});
        ASSERT_EQ(fast.sizes(), plain.sizes());
        EXPECT_LT((fast - plain).abs().max().item<double>(), 3e-5);
        EXPECT_GT(plain.max().item<double>(), 0.01);
      }
}

TEST_F(Repeating, changesNoOtherRun) {
  const SessionResult alone = run(options({"snapkv"})), beside = run(options({"kvzip:chunk=9", "snapkv"}));
  ASSERT_EQ(beside.branches.size(), 3U);
  EXPECT_EQ(alone.pass_seconds, 0);
  EXPECT_GT(beside.pass_seconds, 0);
  EXPECT_GT(beside.branch_seconds[1], beside.pass_seconds) << "the pass is a cost of the run that wanted it";
  EXPECT_LT(beside.branch_seconds[2], beside.branch_seconds[1]);
  EXPECT_EQ(alone.next_logits, beside.next_logits);
  EXPECT_EQ(alone.tracks[0].ids, beside.tracks[0].ids);
  EXPECT_EQ(alone.tracks[1].ids, beside.tracks[2].ids);
  EXPECT_EQ(alone.branches[1].decision.positions, beside.branches[2].decision.positions);
}

// The request is part of what is attended to: another one gives other scores.
TEST_F(Repeating, readsTheRequestAndTheChunks) {
  const auto kept = [](const SessionOptions& options) { return run(options).branches[1].decision.positions; };
  const std::vector<TokenIndex> whole = kept(options({"kvzip"})), chunked = kept(options({"kvzip:chunk=12"}));
  EXPECT_NE(whole, chunked);
  EXPECT_EQ(whole, kept(options({"kvzip:chunk=2048"})));
}

}  // namespace
}  // namespace kvatlas::capture::test
