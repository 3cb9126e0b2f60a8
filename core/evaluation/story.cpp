#include "core/evaluation/story.h"

#include <bit>

namespace kvatlas::evaluation {
namespace {

Random randomFor(const PromptPlan& plan, const NeedleCase& wanted) {
  return Random(plan.seed, {wanted.length, std::bit_cast<std::uint64_t>(wanted.depth + 0.0),
                            static_cast<std::uint64_t>(wanted.kind), wanted.trial});
}

Story oneFact(const Fact& fact, double depth, Asking asking) {
  return {.planted = {{tell(fact), depth, "needle"}},
          .question = ask(fact, asking),
          .right = {.values = {fact.value}, .text = fact.value + ".", .needle = tell(fact)}};
}

std::vector<Fact> severalFacts(Random& random, const PromptPlan& plan) {
  std::vector<Fact> facts;
  for (std::uint32_t i = 0; i < plan.needles; ++i)
    facts.push_back(makeFact(random, {FactKind::Number, plan.split}, facts));
  return facts;
}

Story multiStory(Random& random, const PromptPlan& plan, double depth) {
  const std::vector<Fact> facts = severalFacts(random, plan);
  Story story = oneFact(facts.front(), depth, plan.asking);
  for (std::size_t i = 1; i < facts.size(); ++i)
    story.planted.push_back({tell(facts[i]), 100 * random.unit(), "other fact"});
  return story;
}

// The first fact at the depth, the others evenly spaced between it and the end.
Story allStory(Random& random, const PromptPlan& plan, double depth) {
  const std::vector<Fact> facts = severalFacts(random, plan);
  Story story{.question = askAll(facts), .right = {.text = answerAll(facts)}};
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(facts.size());
    story.planted.push_back({tell(facts[i]), depth + (100 - depth) * share, "needle"});
    story.right.values.push_back(facts[i].value);
    story.right.needle.append(i == 0 ? "" : " ").append(tell(facts[i]));
  }
  return story;
}

Story distractorStory(Random& random, const PromptPlan& plan, double depth) {
  const Fact fact = makeFact(random, {FactKind::Number, plan.split});
  const Fact other = makeDistractor(random, fact, plan.split, random.chance(0.5));
  Story story = oneFact(fact, depth, plan.asking);
  story.planted.push_back({tell(other), 100 * random.unit(), "distractor"});
  return story;
}

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
  for (auto at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at + value.size()))
    text.replace(at, placeholder.size(), value);
  return text;
}

// Replaces {name}, {number} and {words} with the parts of a fact.
Story ownStory(Random& random, const PromptPlan& plan, double depth) {
  const Fact number = makeFact(random, {FactKind::Number, plan.split});
  const Fact words = makeFact(random, {FactKind::Words, plan.split});
  const auto filled = [&](std::string text) {
    text = replaced(std::move(text), "{name}", number.name);
    text = replaced(std::move(text), "{number}", number.value);
    return replaced(std::move(text), "{words}", words.value);
  };
  const std::string needle = filled(plan.needle), answer = filled(plan.answer);
  return {.planted = {{needle, depth, "needle"}},
          .question = filled(plan.question),
          .right = {.values = {answer}, .text = answer, .needle = needle}};
}

}  // namespace

Story storyOf(const PromptPlan& plan, const NeedleCase& wanted) {
  Random random = randomFor(plan, wanted);
  switch (wanted.kind) {
    case NeedleKind::Number:
    case NeedleKind::Words:
      break;
    case NeedleKind::Multi:
      return multiStory(random, plan, wanted.depth);
    case NeedleKind::All:
      return allStory(random, plan, wanted.depth);
    case NeedleKind::Distractor:
      return distractorStory(random, plan, wanted.depth);
    case NeedleKind::Own:
      return ownStory(random, plan, wanted.depth);
  }
  const FactKind kind = wanted.kind == NeedleKind::Number ? FactKind::Number : FactKind::Words;
  return oneFact(makeFact(random, {kind, plan.split}), wanted.depth, plan.asking);
}

}  // namespace kvatlas::evaluation
