#include "core/evaluation/plan.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

template <class Value>
void checkList(const char* option, const std::vector<Value>& values) {
  if (values.empty()) failUsage("{}: needs at least one value", option);
  if (std::set<Value>(values.begin(), values.end()).size() != values.size())
    failUsage("{}: contains a value twice", option);
}

void checkTemplate(const std::string& text) {
  const auto context = text.find("{context}"), question = text.find("{question}");
  const bool once = context == text.rfind("{context}") && question == text.rfind("{question}");
  if (context == std::string::npos || question == std::string::npos || question < context || !once)
    failUsage("--template: expected {{context}} and then {{question}}, each once");
}

}  // namespace

void checkPlan(const PromptPlan& plan) {
  checkList("--lengths", plan.lengths);
  checkList("--depths", plan.depths);
  checkList("--kind", plan.kinds);
  for (const double depth : plan.depths)
    if (!(depth >= 0 && depth <= 100)) failUsage("--depths {}: expected a percentage from 0 to 100", depth);
  if (plan.trials == 0) failUsage("--trials 0: needs at least one trial");
  if (plan.needles < 2) failUsage("--needles {}: the kinds with several facts need at least 2", plan.needles);
  if (plan.protocol == Protocol::Paper && plan.trials > 1)
    failUsage("--trials {}: the published protocol has one prompt for each length and depth", plan.trials);
  const bool own = std::ranges::find(plan.kinds, NeedleKind::Own) != plan.kinds.end();
  if (own && (plan.needle.empty() || plan.question.empty() || plan.answer.empty()))
    failUsage("a needle of your own requires --needle, --question and --answer");
  checkTemplate(plan.prompt_template);
}

PromptPlan paperPlan() {
  return {
      .protocol = Protocol::Paper,
      .depths = {0, 11, 22, 33, 44, 56, 67, 78, 89, 100},
      .kinds = {NeedleKind::Own},
      .needle = "\nThe best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.\n",
      .question = "The best thing to do in San Francisco is: ",
      .answer = "eat a sandwich and sit in Dolores Park on a sunny day.",
      .prompt_template =
          "<|im_start|> This is a very long story book: <book> {context} </book>.\n Based on the "
          "content of the book, Question: {question}\nAnswer:",
      .repeat = true};
}

}  // namespace kvatlas::evaluation
