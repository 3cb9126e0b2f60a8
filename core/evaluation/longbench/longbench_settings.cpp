#include "core/evaluation/longbench/longbench_settings.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/metrics/datasets.h"
#include "core/metrics/words.h"

namespace kvatlas::evaluation {
namespace {

using metrics::Language;
using nlohmann::json;

bool isIn(const metrics::Dataset& dataset, const std::string& name) {
  if (name == "all") return true;
  if (name == "en") return dataset.language == Language::English;
  if (name == "zh") return dataset.language == Language::Chinese;
  if (name == "code") return dataset.language == Language::Code;
  return dataset.name == name;
}

bool isGroup(const std::string& name) {
  return name == "all" || name == "en" || name == "zh" || name == "code";
}

}  // namespace

void chooseSets(const std::string& names, LongBenchOptions& options) {
  std::set<std::string_view> chosen;
  options.all = true;
  for (const std::string& name : metrics::splitAt(names, ',')) {
    const std::size_t before = chosen.size();
    bool known = false;
    for (const metrics::Dataset& dataset : metrics::longBench())
      if (isIn(dataset, name)) {
        known = true;
        if (!options.extended || dataset.extended) chosen.insert(dataset.name);
      }
    if (!known) {
      std::vector<std::string> all{"all", "en", "zh", "code"};
      for (const metrics::Dataset& dataset : metrics::longBench()) all.emplace_back(dataset.name);
      failUsage("--sets {}: unknown{}", name, suggestion(name, all));
    }
    if (isGroup(name)) continue;
    options.all = false;
    if (chosen.size() == before && !chosen.contains(name)) failUsage("--sets {}: is not part of LongBench-E", name);
  }
  if (chosen.empty()) failUsage("--sets {}: LongBench-E has no such set", names);
  for (const metrics::Dataset& dataset : metrics::longBench())
    if (chosen.contains(dataset.name)) options.sets.emplace_back(dataset.name);
}

void applyFactoryProtocol(const std::string& model_path, LongBenchOptions& options) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kLimits{
      {{"llama2", 3950}, {"llama-2", 3950}, {"llama3", 7500}, {"llama-3", 7500}, {"mistral", 31500}}};
  std::string path = model_path;
  std::ranges::transform(path, path.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto names = [&](std::string_view part) { return path.find(part) != std::string::npos; };
  const bool given = options.most_tokens != 0;
  for (const auto& [part, limit] : kLimits)  // the last one counts
    if (names(part) && !given) options.most_tokens = limit;
  options.published_stops = true;
  if (names("llama-3") || names("llama3")) {
    options.frame = {.place = TextFrame::Place::AfterCutting,
                     .before = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
                     .after = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                     .adds_special = false};
  } else if (names("llama2")) {
    options.frame = {.place = TextFrame::Place::BeforeCutting, .before = "[INST] ", .after = " [/INST]"};
    options.frames_all = true;
  }
}

json longBenchJson(const LongBenchOptions& options) {
  return {{"sets", options.sets},
          {"all", options.all},
          {"extended", options.extended},
          {"rows", options.rows},
          {"most_tokens", options.most_tokens},
          {"new_tokens", options.new_tokens},
          {"published_stops", options.published_stops},
          {"frame", frameJson(options.frame)},
          {"frames_all", options.frames_all}};
}

LongBenchOptions readLongBenchOptions(const json& values, const std::string& where) {
  try {
    return {.sets = values.at("sets").get<std::vector<std::string>>(),
            .all = values.at("all").get<bool>(),
            .extended = values.at("extended").get<bool>(),
            .rows = values.at("rows").get<std::uint64_t>(),
            .most_tokens = values.at("most_tokens").get<std::uint64_t>(),
            .new_tokens = values.at("new_tokens").get<std::uint32_t>(),
            .published_stops = values.at("published_stops").get<bool>(),
            .frame = readFrame(values.at("frame")),
            .frames_all = values.at("frames_all").get<bool>()};
  } catch (const json::exception& error) {
    fail("{}: not the settings of a LongBench run: {}", where, error.what());
  }
}

TaskRequest longBenchRequest(const LongBenchOptions& options, const std::filesystem::path& data) {
  return {.name = kLongBenchTask, .values = longBenchJson(options), .sources = {{kDataSource, {data}}}};
}

}  // namespace kvatlas::evaluation
