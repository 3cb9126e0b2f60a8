// The second pass over a prompt: its words, and that it leaves everything else as it was. Its scores are in
// method_scores_test.cpp.
#include "capture/session/reconstruction.h"

#include <gmock/gmock.h>

#include "capture/session/session.h"
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
