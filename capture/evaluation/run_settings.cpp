#include "capture/evaluation/run_settings.h"

#include "core/base/error.h"
#include "core/runs/names.h"
#include "core/runs/titles.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;

constexpr const char* kCompress = "compress";

json branchesJson(const std::vector<capture::Branch>& branches) {
  json list = json::array();
  for (const capture::Branch& branch : branches)
    list.push_back({{"method", branch.request.method->name},
                    {"label", methodLabel(branch)},
                    {"budget", branch.isFull() ? "full" : branch.budget.text}});
  return list;
}

capture::SessionOptions sessionOf(const json& values) {
  capture::SessionOptions session;
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
  if (values.contains(kCompress))
    session.prompt.compress = runs::parseCompress(values.at(kCompress).get<std::string>());
  return session;
}

}  // namespace

std::string methodLabel(const capture::Branch& branch) {
  return runs::methodLabel(branch.request);
}

results::Settings settingsOf(const EvaluationOptions& options, const Task& task, const RunIdentity& identity,
                             const std::vector<capture::Branch>& branches) {
  const capture::SessionOptions& session = options.session;
  json values = task.settings();
  values.update(json{{"model",
                      {{"name", identity.model},
                       {"weights_fingerprint", identity.weights_fingerprint},
                       {"tokenizer_sha256", identity.tokenizer_sha256}}},
                     {"device", identity.device},
                     {"dtype", identity.dtype},
                     {"seed", session.seed},
                     {"branches", branchesJson(branches)},
                     {"preset", runs::presetName(session.preset)},
                     {"granularity", session.granularity == policy::Granularity::KvHead ? "kv-head" : "query-head"},
                     {"window", session.window},
                     {"max_new_tokens", session.max_new_tokens}});
  // Absent where the question is part of the prompt, as in runs of earlier versions.
  if (session.prompt.compress == runs::Compress::Context) values[kCompress] = "context";
  // A product of more rows may sum in another order. Absent where each case decodes alone.
  if (options.batch > 1) values["batch"] = options.batch;
  return results::Settings(values, options.shard);
}

capture::SessionOptions recordedSession(const results::Settings& settings, const std::string& where) {
  try {
    return sessionOf(settings.values());
  } catch (const json::exception& error) {
    fail("{}: not the settings of a {} run: {}", where, settings.plan().task, error.what());
  }
}

}  // namespace kvatlas::evaluation
