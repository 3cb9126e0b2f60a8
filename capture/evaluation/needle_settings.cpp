#include "capture/evaluation/needle_settings.h"

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/runs/titles.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;

json branchesJson(const std::vector<capture::Branch>& branches) {
  json list = json::array();
  for (const capture::Branch& branch : branches)
    list.push_back({{"method", branch.request.method->name},
                    {"label", methodLabel(branch)},
                    {"budget", branch.isFull() ? "full" : branch.budget.text}});
  return list;
}

void readPlan(const json& values, PromptPlan& plan) {
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
}

void readSession(const json& values, capture::SessionOptions& session) {
  for (const json& branch : values.at("branches")) {
    if (branch.at("method") == "full") continue;
    session.methods.push_back(policy::parseMethod(branch.at("label").get<std::string>()));
    session.budgets.push_back(policy::parseBudget(branch.at("budget").get<std::string>()));
  }
  session.preset = runs::parsePreset(values.at("preset").get<std::string>());
  session.granularity = runs::parseGranularity(values.at("granularity").get<std::string>());
  session.window = values.at("window").get<std::uint32_t>();
  session.max_new_tokens = values.at("max_new_tokens").get<std::uint32_t>();
  session.seed = values.at("seed").get<std::uint64_t>();
  session.device = values.at("device").get<std::string>();
  session.dtype = values.at("dtype").get<std::string>();
}

}  // namespace

std::string methodLabel(const capture::Branch& branch) {
  return runs::methodLabel(branch.request);
}

NeedleCase caseOf(const results::Case& planned) {
  return {.id = planned.id,
          .length = static_cast<std::uint32_t>(planned.length),
          .depth = planned.depth,
          .kind = parseNeedleKind(planned.kind),
          .trial = planned.trial};
}

results::Settings settingsOf(const NeedleOptions& options, const RunIdentity& identity, const HaystackText& haystack,
                             const std::vector<capture::Branch>& branches) {
  const PromptPlan& plan = options.plan;
  const capture::SessionOptions& session = options.session;
  json kinds = json::array();
  for (const NeedleKind kind : plan.kinds) kinds.push_back(nameOf(kind));
  return results::Settings(
      {{"model",
        {{"name", identity.model},
         {"weights_fingerprint", identity.weights_fingerprint},
         {"tokenizer_sha256", identity.tokenizer_sha256}}},
       {"device", identity.device},
       {"dtype", identity.dtype},
       {"haystack", {{"name", haystack.name}, {"sha256", haystack.sha256}}},
       {"protocol", plan.protocol == Protocol::Paper ? "paper" : "exact"},
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
       {"branches", branchesJson(branches)},
       {"preset", session.preset == policy::Preset::Paper ? "paper" : "exact"},
       {"granularity", session.granularity == policy::Granularity::KvHead ? "kv-head" : "query-head"},
       {"window", session.window},
       {"max_new_tokens", session.max_new_tokens},
       {"score", nameOf(options.score)}},
      options.shard);
}

RecordedRun recordedRun(const results::Settings& settings, const std::string& where) {
  RecordedRun run;
  try {
    readPlan(settings.values(), run.plan);
    readSession(settings.values(), run.session);
  } catch (const json::exception& error) {
    fail("{}: not the settings of a needle run: {}", where, error.what());
  }
  return run;
}

void writeOrigin(const std::filesystem::path& results, const Origin& origin) {
  std::vector<std::string> haystack;
  for (const auto& path : origin.haystack) haystack.push_back(std::filesystem::absolute(path).string());
  const json file = {{"model", std::filesystem::absolute(origin.model).string()}, {"haystack", haystack}};
  writeFileAtomically(results / kOriginFile, file.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Origin readOrigin(const std::filesystem::path& results) {
  const std::filesystem::path path = results / kOriginFile;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return {};
  const json file = readJsonFile(path);
  try {
    Origin origin{.model = file.at("model").get<std::string>()};
    for (const json& text : file.at("haystack")) origin.haystack.emplace_back(text.get<std::string>());
    return origin;
  } catch (const json::exception&) {
    fail("{}: expected the fields 'model' and 'haystack'", path.string());
  }
}

}  // namespace kvatlas::evaluation
