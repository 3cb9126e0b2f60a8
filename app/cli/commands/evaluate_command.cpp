#include "app/cli/commands/evaluate_command.h"

#include <fmt/format.h>

#include <memory>

#include "app/cli/capture_call.h"
#include "app/cli/commands/benchmark_arguments.h"
#include "app/cli/commands/evaluate_prompt.h"
#include "app/cli/commands/evaluate_score.h"
#include "app/cli/commands/needle_arguments.h"
#include "app/cli/interrupt.h"
#include "app/cli/score_table.h"
#include "core/base/files.h"
#include "core/evaluation/origin.h"
#include "core/results/merge.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;

std::string jsonText(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string stoppedText(const fs::path& output) {
  std::error_code code;
  if (!fs::exists(output / results::kResultsFile, code)) return "stopped before anything was computed";
  return fmt::format("stopped; {} holds the finished prompts, the same command resumes the run", output.string());
}

void printScores(const fs::path& folder, bool json, const nlohmann::json& more, const std::string& last_line) {
  const results::ResultsReader results(folder);
  if (json) {
    nlohmann::json all = scoreJson(results);
    all.update(more);
    return fmt::print("{}\n", jsonText(all));
  }
  fmt::print("{}\n{}\n", scoreTable(results), last_line);
}

void runEvaluation(const evaluation::EvaluationOptions& options, const EvaluationArguments& arguments) {
  evaluation::EvaluationSummary summary;
  callCapture<EvaluationEntry>("kvatlasEvaluate", EvaluationCall{.options = &options, .summary = &summary},
                               arguments.quiet, [&] { return stoppedText(options.output); });
  if (arguments.quiet && !arguments.json) return;
  std::string line = fmt::format("{} prompts in {}", summary.cases, options.output.string());
  if (summary.cases_before > 0) line += fmt::format(", {} of them by earlier runs", summary.cases_before);
  if (summary.seconds > 0)
    line += fmt::format("; {:.1f} s, {:.0f} % of it prefill", summary.seconds,
                        100 * summary.prefill_seconds / summary.seconds);
  if (const std::size_t done = summary.cases - summary.cases_before; summary.prefills < done)
    line += fmt::format(" ({} for {} prompts)", summary.prefills, done);
  printScores(options.output, arguments.json,
              {{"cases_before", summary.cases_before},
               {"prefills", summary.prefills},
               {"seconds", summary.seconds},
               {"prefill_seconds", summary.prefill_seconds}},
              line);
}

// origin.json says where model and haystack are; the shards already agree on the settings.
void copyOrigin(const std::vector<fs::path>& shards, const fs::path& output) {
  std::error_code code;
  for (const fs::path& shard : shards)
    if (fs::exists(shard / evaluation::kOriginFile, code))
      return writeFileAtomically(output / evaluation::kOriginFile, readFile(shard / evaluation::kOriginFile));
}

struct MergeArguments {
  std::vector<fs::path> shards;
  fs::path output;
  bool json = false;
};

void runMergeCommand(const MergeArguments& arguments) {
  (void)results::mergeResults(arguments.shards, arguments.output);
  copyOrigin(arguments.shards, arguments.output);
  printScores(arguments.output, arguments.json, nlohmann::json::object(),
              fmt::format("{} shards joined in {}", arguments.shards.size(), arguments.output.string()));
}

}  // namespace

void addEvaluateCommand(CLI::App& root) {
  CLI::App& evaluate = *root.add_subcommand("evaluate", "score the answers each method gives");
  evaluate.require_subcommand(1);

  auto needle = std::make_shared<NeedleArguments>();
  CLI::App& needle_command =
      *evaluate.add_subcommand("needle", "plant facts in a text and ask for them, at many lengths and depths");
  addNeedleOptions(needle_command, *needle);
  needle_command.callback([needle] {
    const evaluation::EvaluationOptions options = resolveNeedleOptions(*needle);
    runEvaluation(options, *needle);
  });
  addBenchmarkCommands(evaluate, runEvaluation);

  addPromptCommand(evaluate);
  addScoreCommand(evaluate);

  auto merge = std::make_shared<MergeArguments>();
  CLI::App& merge_command = *evaluate.add_subcommand("merge", "join the shards of a run");
  merge_command.add_option("shards", merge->shards, "folders of results, one for each shard")->required();
  merge_command.add_option("-o,--output", merge->output, "folder of the joined results")->required();
  merge_command.add_flag("--json", merge->json, "print the scores as JSON");
  merge_command.callback([merge] {
    const Interrupt interrupt(stoppedBeforeTheEnd, kAtOnce);
    runMergeCommand(*merge);
  });
}

}  // namespace kvatlas::app
