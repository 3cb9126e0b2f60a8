#include "app/cli/commands/needle_arguments.h"

#include "app/cli/bundled.h"
#include "app/cli/chat_shape.h"
#include "app/cli/number_list.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/suggest.h"
#include "core/evaluation/needle_task.h"

namespace kvatlas::app {
namespace {

using evaluation::NeedleKind;
using evaluation::PromptPlan;

constexpr const char* kDefaultDepths = "0:100:11";
constexpr std::uint32_t kDefaultNewTokens = 32, kPaperNewTokens = 30, kDefaultNeedles = 4;
const std::vector<std::string> kDefaultBudgets{"32", "64", "128"}, kPaperBudgets{"96"};

// Turns a typed \n into a line break.
std::string unescaped(std::string text) {
  for (auto at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at + 1)) text.replace(at, 2, 1, '\n');
  return text;
}

evaluation::Split parseSplit(const std::string& text) {
  if (text == "training") return evaluation::Split::Training;
  if (text == "held-out") return evaluation::Split::HeldOut;
  failUsage("--split {}: unknown{}", text, suggestion(text, {"training", "held-out"}));
}

std::vector<NeedleKind> kindsOf(const NeedleArguments& arguments) {
  if (!arguments.needle.empty() || !arguments.question.empty() || !arguments.answer.empty()) {
    if (!arguments.kinds.empty()) failUsage("--kind: does not apply to your own needle (--needle)");
    return {NeedleKind::Own};
  }
  if (arguments.kinds.empty()) return {arguments.needles > 1 ? NeedleKind::Multi : NeedleKind::Number};
  std::vector<NeedleKind> kinds;
  for (const std::string& kind : arguments.kinds) kinds.push_back(evaluation::parseNeedleKind(kind));
  return kinds;
}

void resolveNeedle(const NeedleArguments& arguments, PromptPlan& plan) {
  const auto take = [](const std::string& given, std::string& value) {
    if (!given.empty()) value = unescaped(given);
  };
  take(arguments.needle, plan.needle);
  take(arguments.question, plan.question);
  take(arguments.answer, plan.answer);
  take(arguments.prompt_template, plan.prompt_template);
}

// Stores the rendered template in the settings, so that they determine the prompts even if the model's template
// changes.
void wrapShape(const capture::SessionOptions& options, bool paper, PromptPlan& plan) {
  const capture::PromptOptions& prompt = options.prompt;
  checkChatOptions(prompt);
  if (prompt.chat.empty()) return;
  if (paper) failUsage("--chat: --preset paper uses the published prompt");
  if (options.model.empty()) failUsage("--model is required");
  plan.prompt_template = chatShape({.name = prompt.chat, .date = prompt.chat_date, .system = prompt.system},
                                   options.model, plan.prompt_template);
  evaluation::checkPlan(plan);
}

PromptPlan resolvePlan(const NeedleArguments& arguments, bool paper) {
  PromptPlan plan = paper ? evaluation::paperPlan() : PromptPlan{.kinds = kindsOf(arguments)};
  if (paper && !arguments.kinds.empty()) failUsage("--kind: --preset paper has only one kind of needle");
  resolveNeedle(arguments, plan);
  plan.lengths = parseCounts("--lengths", arguments.lengths);
  if (!paper || !arguments.depths.empty())
    plan.depths = parseNumbers("--depths", arguments.depths.empty() ? kDefaultDepths : arguments.depths);
  plan.needles = arguments.needles > 1 ? arguments.needles : kDefaultNeedles;
  plan.trials = arguments.trials;
  plan.seed = arguments.session.options.seed;
  plan.split = parseSplit(arguments.split);
  plan.asking = evaluation::parseAsking(arguments.asking);
  plan.repeat = plan.repeat || arguments.repeat;
  evaluation::checkPlan(plan);
  wrapShape(arguments.session.options, paper, plan);
  return plan;
}

evaluation::Score scoreOf(const NeedleArguments& arguments, bool paper) {
  if (!arguments.score.empty()) return evaluation::parseScore(arguments.score);
  return paper ? evaluation::Score::WordOverlap : evaluation::Score::Exact;
}

std::vector<std::filesystem::path> haystackOf(const NeedleArguments& arguments) {
  std::vector<std::filesystem::path> haystack(arguments.haystack.begin(), arguments.haystack.end());
  if (haystack.empty()) haystack.push_back(bundled("samples/persuasion.txt"));
  if (haystack.front().empty()) failUsage("no haystack: give --haystack a text file or a folder of text files");
  return haystack;
}

void addPromptPlan(CLI::App& command, NeedleArguments& arguments) {
  command.add_option("--haystack", arguments.haystack,
                     "text file, or folder of *.txt files (repeatable; default: Persuasion, by Jane Austen)");
  command.add_option("--lengths", arguments.lengths, "tokens of the whole prompt: 256,512 or start:stop:count")
      ->capture_default_str();
  command.add_option("--depths", arguments.depths,
                     "depth of the fact, in percent: 0,50 or start:stop:count (0:100:11)");
  command.add_option("--kind", arguments.kinds, "number, words, multi, all, distractor (repeatable; default: number)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--needles", arguments.needles, "facts of the kinds multi (one asked) and all (4)");
  command.add_option("--trials", arguments.trials, "prompts for each length, depth and kind")->capture_default_str();
  command.add_option("--needle", arguments.needle, "your own fact; {name}, {number}, {words} are filled in");
  command.add_option("--question", arguments.question, "the question for it, up to the start of the answer");
  command.add_option("--answer", arguments.answer, "the right answer");
  command.add_option("--template", arguments.prompt_template, "prompt template with {context} and {question}");
  addChatOptions(command, arguments.session);
  command.add_option("--asking", arguments.asking, "completion, question-and-start, question, which, command")
      ->capture_default_str();
  command.add_option("--split", arguments.split, "names and attributes: held-out or training")->capture_default_str();
  command.add_flag("--repeat", arguments.repeat, "repeat a haystack that is too short");
}

// Whether the folder has a run whose answers are truncated: it goes on like that, whatever --max-new-tokens says.
bool truncatesAnswers(const std::filesystem::path& folder) {
  std::error_code code;
  const std::filesystem::path settings = folder / "settings.json";
  if (!std::filesystem::exists(settings, code)) return false;
  const nlohmann::json json = readJsonFile(settings);
  return json.contains("settings") && !json["settings"].contains("uncut");
}

}  // namespace

void addNeedleOptions(CLI::App& command, NeedleArguments& arguments) {
  addEvaluationOptions(command, arguments, kDefaultNewTokens);
  addPromptPlan(command, arguments);
  command.add_option("--score", arguments.score,
                     "exact, substring, word_overlap, rouge1_f (exact; paper: word_overlap)");
}

evaluation::EvaluationOptions resolveNeedleOptions(NeedleArguments& arguments) {
  SessionArguments& session = arguments.session;
  const bool paper = session.preset == "paper";
  if (paper && !arguments.new_tokens_given()) session.options.max_new_tokens = kPaperNewTokens;
  evaluation::EvaluationOptions options = resolveEvaluation(arguments, paper ? kPaperBudgets : kDefaultBudgets);
  const PromptPlan plan = resolvePlan(arguments, paper);
  options.task = evaluation::needleRequest(plan, scoreOf(arguments, paper), haystackOf(arguments),
                                           !paper && arguments.new_tokens_given() && !truncatesAnswers(options.output));
  return options;
}

}  // namespace kvatlas::app
