#include "core/evaluation/ruler/ruler_settings.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/metrics/datasets.h"
#include "core/metrics/words.h"

namespace kvatlas::evaluation {
namespace {

using nlohmann::json;

bool isAtHand(std::string_view task, const Sources& sources) {
  if (sources.contains(kDataSource)) return !task.starts_with("qa_");
  return task == "qa_1" ? sources.contains(kSquadSource) : task != "qa_2" || sources.contains(kHotpotSource);
}

}  // namespace

std::vector<std::string> chooseRulerTasks(const std::string& names, const Sources& sources) {
  std::set<std::string> chosen;
  for (const std::string& name : metrics::splitAt(names, ',')) {
    std::vector<std::string> known{"all"};
    for (const metrics::Dataset& task : metrics::ruler()) {
      known.emplace_back(task.name);
      if (name == task.name || (name == "all" && isAtHand(task.name, sources))) chosen.emplace(task.name);
    }
    if (std::ranges::find(known, name) == known.end())
      failUsage("--tasks {}: unknown{}", name, suggestion(name, known));
  }
  std::vector<std::string> tasks;
  for (const metrics::Dataset& task : metrics::ruler())
    if (chosen.contains(std::string(task.name))) tasks.emplace_back(task.name);
  return tasks;
}

json rulerJson(const RulerOptions& options) {
  return {{"tasks", options.tasks},           {"lengths", options.lengths},       {"rows", options.rows},
          {"rows_seed", options.seed},        {"new_tokens", options.new_tokens}, {"published", options.published},
          {"frame", frameJson(options.frame)}};
}

RulerOptions readRulerOptions(const json& values, const std::string& where) {
  try {
    return {.tasks = values.at("tasks").get<std::vector<std::string>>(),
            .lengths = values.at("lengths").get<std::vector<std::uint64_t>>(),
            .rows = values.at("rows").get<std::uint64_t>(),
            .seed = values.at("rows_seed").get<std::uint64_t>(),
            .new_tokens = values.at("new_tokens").get<std::uint32_t>(),
            .published = values.at("published").get<bool>(),
            .frame = readFrame(values.at("frame"))};
  } catch (const json::exception& error) {
    fail("{}: not the settings of a RULER run: {}", where, error.what());
  }
}

}  // namespace kvatlas::evaluation
