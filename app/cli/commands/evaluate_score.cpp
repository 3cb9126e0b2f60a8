#include "app/cli/commands/evaluate_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/json_keys.h"
#include "core/base/output_file.h"
#include "core/metrics/predictions.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::string_view kScore = "score";
constexpr std::size_t kMostDatasets = 10'000;

struct ScoreArguments {
  std::vector<fs::path> files;
  fs::path each;
  bool json = false;
};

struct DatasetScore {
  std::string name;
  double sum = 0;
  std::size_t count = 0;
  std::set<std::string> files;
  [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
};

using DatasetScores = std::vector<DatasetScore>;  // by first appearance

DatasetScore& scoreOf(DatasetScores& scores, const std::string& name) {
  const auto found = std::ranges::find(scores, name, &DatasetScore::name);
  if (found != scores.end()) return *found;
  if (scores.size() == kMostDatasets) fail("the files name more than {} datasets", kMostDatasets);
  return scores.emplace_back(DatasetScore{.name = name});
}

void warn(const std::string& message) {
  say(fmt::format("kvatlas: warning: {}\n", printable(message)));
}

// The row's fields in their order, its score behind them.
std::string withScore(const metrics::ScoredLine& line) {
  std::string text = "{";
  for (const std::string& name : outermostKeys(line.text))
    if (name != kScore)
      text.append(nlohmann::json(name).dump()).append(":").append(line.row.at(name).dump()).append(",");
  return text + fmt::format("\"{}\":{}}}\n", kScore, nlohmann::json(line.score).dump());
}

DatasetScores readScores(const ScoreArguments& arguments) {
  std::optional<OutputFile> each;
  if (!arguments.each.empty()) each.emplace(arguments.each);
  DatasetScores scores;
  for (const fs::path& file : arguments.files) {
    const std::string warning = metrics::scorePredictions(file, [&](const metrics::ScoredLine& line) {
      DatasetScore& dataset = scoreOf(scores, line.dataset);
      dataset.sum += line.score;
      ++dataset.count;
      dataset.files.insert(file.string());
      if (!each) return;
      each->write(withScore(line));
    });
    if (!warning.empty()) warn(warning);
  }
  if (each) each->complete();
  return scores;
}

void printTable(const DatasetScores& scores) {
  std::size_t width = 7;
  for (const DatasetScore& dataset : scores) width = std::max(width, dataset.name.size());
  fmt::print("{:<{}}  {:>6}  {:>6}\n", "dataset", width, "count", "score");
  double sum = 0;
  for (const DatasetScore& dataset : scores) {
    fmt::print("{:<{}}  {:>6}  {:>6.2f}\n", dataset.name, width, dataset.count, 100 * dataset.mean());
    sum += dataset.mean();
  }
  if (scores.size() > 1)
    fmt::print("{:<{}}  {:>6}  {:>6.2f}\n", "average", width, "", 100 * sum / static_cast<double>(scores.size()));
}

void runScoreCommand(const ScoreArguments& arguments) {
  const DatasetScores scores = readScores(arguments);
  for (const DatasetScore& dataset : scores)
    if (dataset.files.size() > 1)
      warn(fmt::format("{}: the answers of {} files are averaged together", dataset.name, dataset.files.size()));
  if (!arguments.json) return printTable(scores);
  ordered_json datasets = ordered_json::object();
  for (const DatasetScore& dataset : scores)
    datasets[dataset.name] = {{"count", dataset.count}, {"score", dataset.mean()}};
  fmt::print("{}\n", ordered_json{{"datasets", datasets}}.dump(2));
}

}  // namespace

void addScoreCommand(CLI::App& evaluate) {
  auto arguments = std::make_shared<ScoreArguments>();
  CLI::App& command = *evaluate.add_subcommand(
      "score", "score files of predictions: JSON Lines with pred, answers and, where needed, all_classes and dataset");
  command.add_option("files", arguments->files, "files of predictions")->required();
  command.add_option("--each", arguments->each, "write every line with its score, 0 to 1, to this file");
  command.add_flag("--json", arguments->json, "print the scores, 0 to 1, as JSON");
  command.callback([arguments] { runScoreCommand(*arguments); });
}

}  // namespace kvatlas::app
