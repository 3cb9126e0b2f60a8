#include "core/evaluation/needle_settings.h"

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;

PromptPlan planOf(const json& values) {
  PromptPlan plan;
  plan.protocol = values.at("protocol") == "paper" ? Protocol::Paper : Protocol::Exact;
  plan.lengths = values.at("lengths").get<std::vector<std::uint32_t>>();
  plan.depths = values.at("depths").get<std::vector<double>>();
  plan.kinds.clear();
  for (const json& kind : values.at("kinds")) plan.kinds.push_back(parseNeedleKind(kind.get<std::string>()));
  plan.needles = values.at("needles").get<std::uint32_t>();
  plan.trials = values.at("trials").get<std::uint32_t>();
  plan.seed = values.at("seed").get<std::uint64_t>();
  plan.split = values.at("split") == "training" ? Split::Training : Split::HeldOut;
  plan.asking = parseAsking(values.at("asking").get<std::string>());
  plan.needle = values.at("needle").get<std::string>();
  plan.question = values.at("question").get<std::string>();
  plan.answer = values.at("answer").get<std::string>();
  plan.prompt_template = values.at("template").get<std::string>();
  plan.repeat = values.at("repeat").get<bool>();
  return plan;
}

}  // namespace

json needleJson(const NeedleValues& needle) {
  const PromptPlan& plan = needle.plan;
  json kinds = json::array();
  for (const NeedleKind kind : plan.kinds) kinds.push_back(nameOf(kind));
  json values = {{"protocol", plan.protocol == Protocol::Paper ? "paper" : "exact"},
                 {"lengths", plan.lengths},
                 {"depths", plan.depths},
                 {"kinds", std::move(kinds)},
                 {"needles", plan.needles},
                 {"trials", plan.trials},
                 {"seed", plan.seed},
                 {"split", plan.split == Split::Training ? "training" : "held-out"},
                 {"asking", nameOf(plan.asking)},
                 {"needle", plan.needle},
                 {"question", plan.question},
                 {"answer", plan.answer},
                 {"template", plan.prompt_template},
                 {"repeat", plan.repeat},
                 {"score", nameOf(needle.score)}};
  if (needle.uncut) values["uncut"] = true;  // absent in older runs
  return values;
}

NeedleValues readNeedleValues(const json& values, const std::string& where) {
  try {
    return {.plan = planOf(values),
            .score = parseScore(values.at("score").get<std::string>()),
            .uncut = values.value("uncut", false)};
  } catch (const json::exception& error) {
    fail("{}: invalid settings of a needle run: {}", where, error.what());
  }
}

}  // namespace kvatlas::evaluation
