#include "app/cli/commands/heads_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/capture/capture_module.h"
#include "app/cli/bundled.h"
#include "app/cli/capture_call.h"
#include "app/cli/number_list.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/evaluation/needle_task.h"

namespace kvatlas::app {
namespace {

constexpr std::size_t kBestShown = 10;

struct HeadsArguments {
  evaluation::HeadScoreOptions options;
  std::vector<std::string> haystack;
  std::string lengths = "256:1024:4", depths = "0:100:10", score = "attention";
  bool json = false, quiet = false;
};

evaluation::HeadScore scoreOf(const std::string& name) {
  if (name == "copy") return evaluation::HeadScore::Copy;
  if (name == "attention") return evaluation::HeadScore::Attention;
  failUsage("--score {}: unknown{}", name, suggestion(name, {"copy", "attention"}));
}

void resolve(HeadsArguments& arguments) {
  evaluation::HeadScoreOptions& options = arguments.options;
  options.score = scoreOf(arguments.score);
  evaluation::PromptPlan plan{.kinds = {evaluation::NeedleKind::Words, evaluation::NeedleKind::Number}};
  plan.lengths = parseCounts("--lengths", arguments.lengths);
  plan.depths = parseNumbers("--depths", arguments.depths);
  plan.seed = options.evaluation.session.seed;
  plan.repeat = true;
  evaluation::checkPlan(plan);
  std::vector<std::filesystem::path> haystack(arguments.haystack.begin(), arguments.haystack.end());
  if (haystack.empty()) haystack.push_back(bundled("samples/persuasion.txt"));
  options.evaluation.task = evaluation::needleRequest(plan, evaluation::Score::Exact, haystack);
}

std::string bestHeads(const evaluation::HeadScoreSummary& summary) {
  std::vector<std::size_t> order(summary.table.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t head) { return summary.table[head]; });
  std::string text = "layer  head   score\n";
  for (std::size_t i = 0; i < std::min(kBestShown, order.size()); ++i)
    text += fmt::format("{:>5}  {:>4}  {:.4f}\n", order[i] / summary.heads, order[i] % summary.heads,
                        summary.table[order[i]]);
  return text;
}

void runHeadsCommand(HeadsArguments& arguments) {
  resolve(arguments);
  const std::string output = arguments.options.evaluation.output.string();
  evaluation::HeadScoreSummary summary;
  callCapture<HeadScoreEntry>(
      "kvatlasHeads", HeadScoreCall{.options = &arguments.options, .summary = &summary}, arguments.quiet,
      [&] { return fmt::format("stopped; {}.cases holds the finished prompts, the same command goes on", output); });
  if (arguments.json) {
    fmt::print("{}\n", nlohmann::json{{"output", output},
                                      {"cases", summary.cases},
                                      {"cases_before", summary.cases_before},
                                      {"counted", summary.counted},
                                      {"layers", summary.layers},
                                      {"query_heads", summary.heads},
                                      {"seconds", summary.seconds}}
                           .dump(2));
    return;
  }
  if (arguments.quiet) return;
  fmt::print("{}{}: {} query heads, from {} of {} facts{}; {:.1f} s\n", bestHeads(summary), output,
             summary.table.size(), summary.counted, summary.cases,
             arguments.options.all ? "" : " that were answered right", summary.seconds);
}

}  // namespace

void addHeadsCommand(CLI::App& root) {
  auto arguments = std::make_shared<HeadsArguments>();
  capture::SessionOptions& session = arguments->options.evaluation.session;
  session.max_new_tokens = 16;
  CLI::App& command =
      *root.add_subcommand("heads", "score each query head by how it finds planted facts, for headkv and duoattention");
  command.add_option("--model", session.model, "checkpoint folder (Hugging Face layout) or GGUF file")->required();
  command.add_option("-o,--output", arguments->options.evaluation.output, "table of heads, a JSON file")->required();
  command
      .add_option("--score", arguments->score,
                  "attention (HeadKV: mass on the fact) or copy (retrieval heads: the fact's tokens they copy)")
      ->capture_default_str();
  command.add_option("--lengths", arguments->lengths, "tokens of a prompt: 256,512 or start:stop:count")
      ->capture_default_str();
  command.add_option("--depths", arguments->depths, "depth of the fact, in percent: 0,50 or start:stop:count")
      ->capture_default_str();
  command.add_option("--haystack", arguments->haystack,
                     "text file, or folder of *.txt files (repeatable; default: Persuasion, by Jane Austen)");
  command.add_flag("--all", arguments->options.all, "count facts that the model does not answer right, too");
  command.add_option("--max-new-tokens", session.max_new_tokens, "longest answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command.add_option("--device", session.device, "auto, cpu, cuda, cuda:<i>[,cuda:<j>…]")->capture_default_str();
  command.add_option("--dtype", session.dtype, "auto, f32, bf16, f16")->capture_default_str();
  command.add_option("--seed", session.seed, "seed of the planted facts")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--threads", session.threads, "processor threads, 0: all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command.add_flag("--json", arguments->json, "print the summary as JSON");
  command.add_flag("-q,--quiet", arguments->quiet, "no progress, no table");
  command.callback([arguments] { runHeadsCommand(*arguments); });
}

}  // namespace kvatlas::app
