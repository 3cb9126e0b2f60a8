// The question behind a compressed context: its place in the file's names, and what validate() makes of it.
#include <gtest/gtest.h>

#include "core/trace/generated_tokens.h"
#include "core/trace/question_output.h"
#include "core/trace/validate/validate_attended.h"
#include "core/trace/validate/validate_evicted.h"

namespace kvatlas::trace {
namespace {

TEST(QuestionOutput, numbersTheNameBeforeItsEnding) {
  EXPECT_EQ(questionOutput("a/trace.kva.h5", 0, 1), "a/trace.kva.h5");
  EXPECT_EQ(questionOutput("a/trace.kva.h5", 0, 2), "a/trace-q1.kva.h5");
  EXPECT_EQ(questionOutput("trace.h5", 1, 2), "trace-q2.h5");
  EXPECT_EQ(questionOutput(".hidden", 2, 3), ".hidden-q3");
}

// One layer and head of 6 tokens keeps 2 of them, is asked 3 tokens, generates 4 and gives one up after step 2.
struct Small {
  TraceHeader header;
  RunHeader run{.method = "h2o", .heads = 1, .attended = 2, .every = 1};
  RunRecord record;
  Small() {
    header.model.layers = header.model.query_heads = header.model.kv_heads = header.model.head_dim = 1;
    header.model.compute_dtype = "f32";  // a row of a list has 8 bytes
    header.prompt.ids.resize(6);
    header.prompt.question = {.ids = {1, 2, 3}, .text = "abc", .offsets = {0, 1, 2, 3}};
    record.capacity = {2};
    record.kept_offsets = {0, 2};
    record.kept_positions = {1, 5};
    record.cache_bytes = 16;
    record.decode_ids.resize(4);
    record.evicted = {{1, 0, 0, 1}, {2, 0, 0, 9}, {3, 0, 0, 10}};
    record.step_bytes = {40, 48, 48, 48};
  }
  [[nodiscard]] std::optional<std::string> problem() const { return evictionProblem(header, run, record); }
};

TEST(QuestionValidation, theQuestionIsHeldBesideTheBudgetAndNeverGivenUp) {
  Small small;
  EXPECT_EQ(small.problem(), std::nullopt);
  small.record.step_bytes[0] = 16;
  EXPECT_TRUE(small.problem().has_value()) << "the bytes include the question";
  small = Small();
  small.record.evicted[1].position = 7;
  EXPECT_TRUE(small.problem().has_value()) << "a token of the question";
  small = Small();
  small.record.evicted.clear();
  small.record.step_bytes = {40, 48, 56, 64};
  EXPECT_TRUE(small.problem().has_value()) << "more than capacity, question and every";
}

TEST(QuestionValidation, itsTokensSeeWhatWasKeptAndNoLaterToken) {
  Small small;
  const AttendedCheck check(small.header, small.run, small.record, 1e-3);
  AttendedLayer asked{
      .query_heads = 1, .per_head = 2, .positions = {1, 6, 5, 7, 8, 1}, .mass = {.5, .4, .5, .4, .5, .4}};
  EXPECT_EQ(check.checkQuestion(LayerIndex(0), asked), std::nullopt);
  asked.positions[0] = 2;
  EXPECT_TRUE(check.checkQuestion(LayerIndex(0), asked).has_value()) << "evicted with the context";
  asked.positions[0] = 7;
  EXPECT_TRUE(check.checkQuestion(LayerIndex(0), asked).has_value()) << "a later token";
  AttendedLayer answered{.query_heads = 1,
                         .per_head = 2,
                         .positions = {1, 8, 1, 9, 5, 9, 5, 10},
                         .mass = {.5, .4, .5, .4, .5, .4, .5, .4}};
  EXPECT_EQ(check.check(LayerIndex(0), answered), std::nullopt);
  answered.positions[0] = 0;
  EXPECT_TRUE(check.check(LayerIndex(0), answered).has_value()) << "step 0 reads the compressed cache";
}

TEST(LaterTokens, areOfTheQuestionThenGenerated) {
  const Small small;
  EXPECT_TRUE(laterToken(small.header.prompt, 8).of_question);
  EXPECT_EQ(laterToken(small.header.prompt, 8).index, 2U);
  EXPECT_FALSE(laterToken(small.header.prompt, 9).of_question);
  EXPECT_EQ(laterToken(small.header.prompt, 9).index, 0U);
  EXPECT_EQ(questionText(small.header.prompt, 1), "b");
}

}  // namespace
}  // namespace kvatlas::trace
