// Prompts of a needle run, taken apart: their length, text and fact positions against a computation from
// the decoded text alone.
#include "core/evaluation/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer loaded =
      text::Tokenizer::load(fs::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama");
  return loaded;
}

const HaystackText& persuasion() {
  static const HaystackText text =
      readHaystack(std::vector{fs::path(KVATLAS_SOURCE_DIR) / "resources/samples/persuasion.txt"});
  return text;
}

const std::vector<NeedleKind> kKinds{NeedleKind::Number, NeedleKind::Words, NeedleKind::Multi, NeedleKind::All,
                                     NeedleKind::Distractor};

PromptPlan planOf(std::vector<std::uint32_t> lengths, std::vector<double> depths) {
  return {.lengths = std::move(lengths), .depths = std::move(depths), .kinds = kKinds, .trials = 2};
}

std::vector<NeedleCase> casesOf(const PromptPlan& plan) {
  std::vector<NeedleCase> cases;
  for (const std::uint32_t length : plan.lengths)
    for (const double depth : plan.depths)
      for (const NeedleKind kind : plan.kinds)
        for (std::uint32_t trial = 0; trial < plan.trials; ++trial)
          cases.push_back({.id = "case", .length = length, .depth = depth, .kind = kind, .trial = trial});
  return cases;
}

std::string textOf(const text::PreparedPrompt& prompt, const text::PromptSpan& span) {
  return prompt.text.substr(prompt.offsets[span.begin], prompt.offsets[span.end] - prompt.offsets[span.begin]);
}

std::vector<text::PromptSpan> spansNamed(const text::PreparedPrompt& prompt, const std::string& name) {
  std::vector<text::PromptSpan> spans;
  for (const auto& span : prompt.spans)
    if (span.name == name) spans.push_back(span);
  return spans;
}

// The ids without the tokens of all spans, and where the first token of each span then lies.
struct Bare {
  std::vector<TokenId> ids;
  std::vector<std::size_t> places;
};
Bare withoutSpans(const text::PreparedPrompt& prompt) {
  Bare bare;
  std::size_t span = 0;
  for (std::size_t i = 1; i < prompt.ids.size();) {  // after BOS
    if (span < prompt.spans.size() && prompt.spans[span].begin == i) {
      bare.places.push_back(bare.ids.size());
      i = prompt.spans[span++].end;
    } else {
      bare.ids.push_back(prompt.ids[i++]);
    }
  }
  for (; span < prompt.spans.size(); ++span) bare.places.push_back(bare.ids.size());
  return bare;
}

TEST(Prompts, HaveExactlyTheRequestedTokens) {
  const PromptPlan plan = planOf({200, 257, 1000}, {0, 33.3, 100});
  const PromptMaker maker(plan, persuasion(), tokenizer());
  for (const NeedleCase& wanted : casesOf(plan)) {
    maker.check(wanted);
    const NeedlePrompt prompt = maker.make(wanted);
    EXPECT_EQ(prompt.prepared.ids.size(), wanted.length);
    EXPECT_EQ(prompt.prepared.offsets.size(), wanted.length + 1);
    EXPECT_EQ(prompt.prepared.offsets.back(), prompt.prepared.text.size());
    EXPECT_EQ(prompt.prepared.ids.front(), tokenizer().bos());
    EXPECT_EQ(prompt.prepared.text, tokenizer().decode(prompt.prepared.ids, true));
    EXPECT_TRUE(prompt.prepared.text.ends_with(prompt.question)) << prompt.question;
  }
}

// After the last sentence end at or before the requested share of the text, found in the text, not in the tokens.
TEST(Prompts, FactsFollowTheSentenceEndBeforeTheirDepth) {
  PromptPlan plan = planOf({400, 900}, {0, 10, 25, 50, 75.5, 99, 100});
  plan.kinds = {NeedleKind::Number, NeedleKind::Words};
  const PromptMaker maker(plan, persuasion(), tokenizer());
  for (const NeedleCase& wanted : casesOf(plan)) {
    const NeedlePrompt prompt = maker.make(wanted);
    const Bare bare = withoutSpans(prompt.prepared);
    ASSERT_EQ(bare.places.size(), 2U);  // the needle, the question
    const std::size_t place = bare.places[0], context = bare.ids.size();
    const auto asked = static_cast<std::size_t>(std::floor(static_cast<double>(context) * wanted.depth / 100));
    const auto textTo = [&](std::size_t tokens) { return tokenizer().decode(std::span(bare.ids).first(tokens)); };
    ASSERT_TRUE(std::string(persuasion().text).find(textTo(context)) != std::string::npos);
    if (wanted.depth == 100) {
      EXPECT_EQ(place, context);
      continue;
    }
    ASSERT_LE(place, asked);
    const auto ends_sentence = [&](std::size_t tokens) { return endsSentence(textTo(context), textTo(tokens).size()); };
    EXPECT_TRUE(place == 0 || ends_sentence(place)) << textTo(place);
    for (std::size_t between = place + 1; between <= asked; ++between) EXPECT_FALSE(ends_sentence(between));
    EXPECT_TRUE(wanted.depth > 0 || place == 0);
  }
}

TEST(Prompts, NeedleAndAnswerOccurInTheText) {
  const PromptPlan plan = planOf({600}, {20, 80});
  const PromptMaker maker(plan, persuasion(), tokenizer());
  for (const NeedleCase& wanted : casesOf(plan)) {
    const NeedlePrompt prompt = maker.make(wanted);
    const auto needles = spansNamed(prompt.prepared, "needle");
    ASSERT_EQ(needles.size(), wanted.kind == NeedleKind::All ? 4U : 1U);
    std::string told;
    for (const auto& span : needles) told += textOf(prompt.prepared, span);
    for (const std::string& value : prompt.right.values) EXPECT_THAT(told, HasSubstr(value));
    EXPECT_EQ(spansNamed(prompt.prepared, "other fact").size(), wanted.kind == NeedleKind::Multi ? 3U : 0U);
    EXPECT_EQ(spansNamed(prompt.prepared, "distractor").size(), wanted.kind == NeedleKind::Distractor ? 1U : 0U);
    EXPECT_EQ(textOf(prompt.prepared, spansNamed(prompt.prepared, "question").at(0)), prompt.question);
    EXPECT_EQ(exactMatch(prompt.right.text, prompt.right), 1);
    EXPECT_EQ(substringMatch(prompt.right.text, prompt.right), 1);
  }
}

TEST(Prompts, DistractorsShareHalfOfTheQuestion) {
  PromptPlan plan = planOf({300}, {50});
  plan.kinds = {NeedleKind::Distractor};
  plan.trials = 20;
  const PromptMaker maker(plan, persuasion(), tokenizer());
  for (const NeedleCase& wanted : casesOf(plan)) {
    const NeedlePrompt prompt = maker.make(wanted);
    const std::string other = textOf(prompt.prepared, spansNamed(prompt.prepared, "distractor").at(0));
    EXPECT_THAT(other, testing::Not(HasSubstr(prompt.right.values[0])));
    const std::string asked = prompt.question.substr(prompt.question.find("The ") + 4);  // "magic number of Oliver is"
    const std::string attribute = asked.substr(0, asked.find(" of ")),
                      name = asked.substr(asked.find(" of ") + 4, asked.rfind(" is") - asked.find(" of ") - 4);
    EXPECT_NE(other.find(attribute) == std::string::npos, other.find(name) == std::string::npos) << asked << other;
  }
}

TEST(Prompts, DoNotDependOnTheRestOfThePlan) {
  PromptPlan small = planOf({300}, {50}), large = planOf({100, 300, 800}, {10, 50});
  large.trials = 5;
  const PromptMaker one(small, persuasion(), tokenizer()), other(large, persuasion(), tokenizer());
  for (const NeedleCase& wanted : casesOf(small)) EXPECT_EQ(one.make(wanted).sha256, other.make(wanted).sha256);
}

TEST(Prompts, SeedTrialDepthAndLengthChangeTheFacts) {
  PromptPlan plan = planOf({300}, {50}), other = plan;
  other.seed = 1;
  const NeedleCase base{.id = "", .length = 300, .depth = 50};
  const std::string fact = storyOf(plan, base).planted[0].text;
  EXPECT_EQ(fact, storyOf(plan, base).planted[0].text);
  EXPECT_NE(fact, storyOf(other, base).planted[0].text);
  EXPECT_NE(fact, storyOf(plan, {.length = 301, .depth = 50}).planted[0].text);
  EXPECT_NE(fact, storyOf(plan, {.length = 300, .depth = 51}).planted[0].text);
  EXPECT_NE(fact, storyOf(plan, {.length = 300, .depth = 50, .trial = 1}).planted[0].text);
}

// As documented: the first at the depth, the others evenly spaced after it, none at the very end.
TEST(Prompts, SeveralFactsAreSpreadFromTheDepthOn) {
  PromptPlan plan = planOf({300}, {20});
  plan.kinds = {NeedleKind::All};
  plan.needles = 4;
  std::vector<double> depths;
  for (const Planted& fact : storyOf(plan, {.length = 300, .depth = 20, .kind = NeedleKind::All}).planted)
    depths.push_back(fact.depth);
  EXPECT_EQ(depths, (std::vector<double>{20, 40, 60, 80}));
}

TEST(Prompts, OwnNeedlesAndTemplates) {
  PromptPlan plan = planOf({300}, {50});
  plan.kinds = {NeedleKind::Own};
  plan.needle = "{name} keeps {number} {words}.";
  plan.question = "\nWhat does {name} keep?";
  plan.answer = "{number} {words}";
  plan.prompt_template = "Read: {context}\nAnswer shortly.{question} ->";
  const NeedlePrompt prompt =
      PromptMaker(plan, persuasion(), tokenizer()).make({.length = 300, .depth = 50, .kind = NeedleKind::Own});
  EXPECT_EQ(prompt.prepared.ids.size(), 300U);
  EXPECT_THAT(prompt.prepared.text, testing::StartsWith("Read: "));
  EXPECT_THAT(prompt.prepared.text, testing::EndsWith("\nAnswer shortly." + prompt.question + " ->"));
  EXPECT_THAT(prompt.prepared.text, HasSubstr(" keeps " + prompt.right.text + ".\n"));
  EXPECT_THAT(prompt.question, testing::Not(HasSubstr("{")));
}

std::string refusal(const PromptPlan& plan, const HaystackText& haystack, const NeedleCase& wanted) {
  try {
    PromptMaker(plan, haystack, tokenizer()).check(wanted);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Prompts, ImpossibleLengthsAreRefused) {
  const PromptPlan plan = planOf({300}, {50});
  const HaystackText little{.name = "little", .text = "It was late. They went home."};
  EXPECT_THAT(refusal(plan, persuasion(), {.id = "L20-D50-number-t0", .length = 20, .depth = 50}),
              testing::AllOf(HasSubstr("--lengths 20"), HasSubstr("the facts and the question of")));
  EXPECT_THAT(refusal(plan, little, {.length = 300, .depth = 50}),
              testing::AllOf(HasSubstr("little"), HasSubstr("--repeat")));
  PromptPlan again = plan;
  again.repeat = true;
  EXPECT_EQ(refusal(again, little, {.length = 300, .depth = 50}), "");
  EXPECT_THAT(refusal(paperPlan(), persuasion(), {.length = 210, .depth = 50, .kind = NeedleKind::Own}),
              HasSubstr("--lengths 210"));
}

TEST(Prompts, InvalidPlansAreRefused) {
  const auto refused = [](auto&& change) {
    PromptPlan plan = planOf({300}, {50});
    change(plan);
    try {
      checkPlan(plan);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refused([](PromptPlan&) {}), "accepted");
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.trials = 0; }), HasSubstr("--trials 0"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.lengths.clear(); }), HasSubstr("--lengths"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.depths = {50, 50}; }), HasSubstr("--depths"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.depths = {101}; }), HasSubstr("101"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.depths = {std::nan("")}; }), HasSubstr("--depths"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.needles = 1; }), HasSubstr("--needles 1"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.kinds = {NeedleKind::Own}; }), HasSubstr("--needle"));
  EXPECT_THAT(refused([](PromptPlan& plan) { plan.prompt_template = "{question}{context}"; }), HasSubstr("--template"));
}

// Repeats the published steps here, from text to text.
TEST(PaperPrompts, FollowThePublishedSteps) {
  PromptPlan plan = paperPlan();
  plan.lengths = {500, 900};
  const auto full_stop = tokenizer().idOf(".");
  ASSERT_TRUE(full_stop);
  const PromptMaker maker(plan, persuasion(), tokenizer());
  const auto encode = [](const std::string& text) { return tokenizer().encode(text, false).ids; };
  for (const std::uint32_t length : plan.lengths)
    for (const double depth : plan.depths) {
      auto context = encode(persuasion().text);
      context.resize(length);
      context = encode(tokenizer().decode(context));
      const auto needle = encode(plan.needle);
      context.resize(std::min<std::size_t>(context.size(), length - 200 - needle.size()));
      auto at = static_cast<std::ptrdiff_t>(static_cast<double>(context.size()) * (depth / 100));
      if (depth < 100)
        while (at > 0 && context[static_cast<std::size_t>(at - 1)] != *full_stop) --at;
      context.insert(context.begin() + at, needle.begin(), needle.end());
      const std::string expected =
          "<|im_start|> This is a very long story book: <book> " + tokenizer().decode(context) +
          " </book>.\n Based on the content of the book, Question: The best thing to do in San "
          "Francisco is: \nAnswer:";
      const NeedlePrompt prompt = maker.make({.length = length, .depth = depth, .kind = NeedleKind::Own});
      EXPECT_EQ(prompt.prepared.text, expected);
      EXPECT_EQ(prompt.prepared.ids, tokenizer().encode(expected).ids);
      ASSERT_EQ(prompt.prepared.spans.size(), 2U);
      EXPECT_THAT(textOf(prompt.prepared, prompt.prepared.spans[0]), HasSubstr("eat a sandwich"));
      EXPECT_THAT(textOf(prompt.prepared, prompt.prepared.spans[1]),
                  HasSubstr("The best thing to do in San Francisco is: "));
    }
}

}  // namespace
}  // namespace kvatlas::evaluation
