// The needle task as a Task: its cases come from its settings, which rebuild the same task; its prompts equal the
// prompt maker's; its stop rule ends an answer; its scores follow from the case.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/origin.h"
#include "core/evaluation/prompts.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using results::Case;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kHaystack = fs::path(KVATLAS_SOURCE_DIR) / "resources/samples/persuasion.txt";

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer loaded =
      text::Tokenizer::load(fs::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama");
  return loaded;
}

TaskModel tinyModel(std::uint64_t positions = 4096) {
  return {.tokenizer = tokenizer(), .name = "tiny", .positions = positions, .most_new_tokens = 8};
}

PromptPlan smallPlan() {
  return {.lengths = {200, 260}, .depths = {0, 50}, .kinds = {NeedleKind::Number, NeedleKind::All}, .trials = 2};
}

class Warnings final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view message) override { text += message; }
  std::string text;
};

template <class Action>
std::string messageOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(NeedleTask, CanBeRebuiltFromItsSettings) {
  const auto task = openTask(needleRequest(smallPlan(), Score::Substring, {kHaystack}), tinyModel(), silentProgress());
  const nlohmann::json settings = task->settings();
  EXPECT_FALSE(settings.contains("task")) << "folders of needle runs predate tasks";
  EXPECT_EQ(settings.at("haystack").at("name"), "persuasion");
  const TaskRequest request{.name = "needle", .values = settings, .sources = {{kHaystackSource, {kHaystack}}}};
  const auto again = openTask(request, tinyModel(), silentProgress());
  EXPECT_EQ(again->settings(), settings);
  const std::vector<Case> cases = results::planOfTask(settings).cases();
  ASSERT_EQ(cases.size(), 16U);
  for (const Case& one : cases) EXPECT_EQ(again->prompt(one).sha256, task->prompt(one).sha256) << one.id;
}

TEST(NeedleTask, PromptsEqualThePromptMakers) {
  const auto task = openTask(needleRequest(smallPlan(), Score::Exact, {kHaystack}), tinyModel(), silentProgress());
  const PromptMaker maker(smallPlan(), readHaystack(std::vector{kHaystack}), tokenizer());
  for (const Case& one : results::planOfTask(task->settings()).cases()) {
    const bool all = one.facets.text("kind") == "all";
    const NeedlePrompt expected = maker.make({.length = static_cast<std::uint32_t>(one.facets.whole("length")),
                                              .depth = one.facets.number("depth"),
                                              .kind = all ? NeedleKind::All : NeedleKind::Number,
                                              .trial = static_cast<std::uint32_t>(one.facets.whole("trial"))});
    const EvaluationPrompt prompt = task->prompt(one);
    EXPECT_EQ(prompt.prepared.ids, expected.prepared.ids);
    EXPECT_EQ(prompt.expected, expected.right.text);
    EXPECT_EQ(prompt.question, expected.question);
    EXPECT_EQ(prompt.sha256, hashOfIds(prompt.prepared.ids));
    EXPECT_EQ(task->tokensOf(one), prompt.prepared.ids.size());
    EXPECT_EQ(task->scores(one, prompt.expected).at(task->mainScore(one)), 1);
    EXPECT_EQ(task->scores(one, "no idea").at("exact"), 0);
  }
}

TEST(NeedleTask, TheStopRuleEndsAnAnswer) {
  const auto task = openTask(needleRequest(smallPlan(), Score::Exact, {kHaystack}), tinyModel(), silentProgress());
  const EvaluationPrompt prompt = task->prompt(results::planOfTask(task->settings()).cases().front());
  const auto ids = [](const std::string& text) { return tokenizer().encode(text, false).ids; };
  EXPECT_FALSE(prompt.finished(ids(" 48")));
  EXPECT_TRUE(prompt.finished(ids(" 48.")));
  EXPECT_TRUE(prompt.finished(ids(" and so on and so on and so on and so on and so on and so on")));
}

TEST(NeedleTask, InvalidRequestsAreRefused) {
  const auto opened = [](const TaskRequest& request, std::uint64_t positions = 4096) {
    return messageOf([&] { (void)openTask(request, tinyModel(positions), silentProgress()); });
  };
  TaskRequest request = needleRequest(smallPlan(), Score::Exact, {kHaystack});
  EXPECT_EQ(opened(request), "no error");
  EXPECT_THAT(opened(request, 256), testing::AllOf(HasSubstr("--lengths 260"), HasSubstr("256 positions")));
  Warnings warnings;
  (void)openTask(request, tinyModel(265), warnings);
  EXPECT_THAT(warnings.text, HasSubstr("position 268"));
  request.values.erase("trials");
  request.where = "old/settings.json";
  EXPECT_THAT(opened(request), testing::AllOf(HasSubstr("old/settings.json"), HasSubstr("trials")));
  request.name = "needel";
  EXPECT_THAT(opened(request), HasSubstr("'needle'"));
  EXPECT_THAT(opened(needleRequest(smallPlan(), Score::Exact, {"/nowhere"})), HasSubstr("/nowhere"));
}

TEST(NeedleTask, AnUncutAnswerEndsWithItsLine) {
  const auto ruleOf = [](Score score, bool uncut) {
    const TaskRequest request = needleRequest(smallPlan(), score, {kHaystack}, uncut);
    static std::vector<std::unique_ptr<Task>> kept;  // rules must not outlive their tasks
    kept.push_back(openTask(request, tinyModel(), silentProgress()));
    EXPECT_EQ(kept.back()->settings().contains("uncut"), uncut);
    return kept.back()->prompt(results::planOfTask(kept.back()->settings()).cases().front()).finished;
  };
  const auto sentence =
      tokenizer().encode(" Well. The number that you asked me about, as far as I know, is the one above", false).ids;
  const auto line = tokenizer().encode(" Well.\nNext", false).ids;
  EXPECT_TRUE(ruleOf(Score::Exact, false)(sentence));
  for (const auto& rule : {ruleOf(Score::Exact, true), ruleOf(Score::Substring, false)}) {
    EXPECT_FALSE(rule(sentence));
    EXPECT_TRUE(rule(line));
  }
}

TEST(NeedleTask, RecordsWhereTheFactStandsAndWarnsWhereDepthsCoincide) {
  PromptPlan plan = smallPlan();
  plan.depths = {0, 1, 50, 100};
  plan.kinds = {NeedleKind::Number};
  Warnings warnings;
  const auto task = openTask(needleRequest(plan, Score::Exact, {kHaystack}), tinyModel(), warnings);
  EXPECT_THAT(warnings.text, HasSubstr("the depths 0 and 1 % of --lengths 200, and"));
  for (const Case& one : results::planOfTask(task->settings()).cases()) {
    const EvaluationPrompt prompt = task->prompt(one);
    const double depth = std::get<double>(prompt.details.at("depth_realised"));
    EXPECT_LE(depth, one.facets.number("depth")) << one.id;
    EXPECT_EQ(std::get<std::uint64_t>(prompt.details.at("needle_token")), prompt.prepared.spans.front().begin);
    EXPECT_EQ(depth == 100, one.facets.number("depth") == 100) << one.id;
  }
  plan.depths = {0, 100};
  Warnings none;
  (void)openTask(needleRequest(plan, Score::Exact, {kHaystack}), tinyModel(), none);
  EXPECT_EQ(none.text, "");
}

TEST(Origins, SurviveTheRoundTrip) {
  const test::ScratchFolder scratch;
  const fs::path& folder = scratch.path();
  EXPECT_TRUE(readOrigin(folder, {"haystack"}).model.empty());
  writeOrigin(folder, {"/models/a", {{"haystack", {"/texts/b", "/texts/c"}}}});
  const Origin origin = readOrigin(folder, {"haystack"});
  EXPECT_EQ(origin.model, "/models/a");
  EXPECT_THAT(origin.sources.at("haystack"), ElementsAre("/texts/b", "/texts/c"));
  EXPECT_THAT(messageOf([&] { (void)readOrigin(folder, {"data"}); }), HasSubstr("'model' and 'data'"));
}

}  // namespace
}  // namespace kvatlas::evaluation
