#include "app/cli/commands/benchmark_arguments.h"

#include <memory>

#include "app/cli/bundled.h"
#include "app/cli/chat_shape.h"
#include "app/cli/number_list.h"
#include "core/base/error.h"
#include "core/evaluation/longbench/longbench_settings.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/questions/questions_task.h"
#include "core/evaluation/ruler/ruler_settings.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using evaluation::EvaluationOptions;

// Recorded as the run's maximum; every row of a benchmark has its own.
constexpr std::uint32_t kMostNewTokens = 512, kQuestionNewTokens = 64, kFactoryRulerTokens = 64;
const std::vector<std::string> kBudgets{"128", "512"};

struct LongBenchArguments : EvaluationArguments {
  fs::path data;
  std::string sets = "all";
  std::uint64_t rows = 0, most_tokens = 0;
  bool extended = false;
};

struct RulerArguments : EvaluationArguments {
  fs::path data, squad, hotpot;
  std::vector<fs::path> haystack;
  std::string tasks = "all", lengths = "4096";
  std::uint64_t rows = 10;
};

struct QuestionArguments : EvaluationArguments {
  fs::path file;
  std::string metric = "f1", prompt_template;
  std::uint64_t rows = 0, most_tokens = 0;
};

// CLI11's own check prints the largest number of a double.
std::string atLeastOne(const std::string& number) {
  return number == "0" ? "expected at least 1" : "";
}

bool isPaper(const EvaluationArguments& arguments) {
  return arguments.session.preset == "paper";
}

std::uint32_t givenNewTokens(const EvaluationArguments& arguments) {
  return arguments.new_tokens_given() ? arguments.session.options.max_new_tokens : 0;
}

void refuseChatOfPaper(const EvaluationArguments& arguments) {
  if (isPaper(arguments) && !arguments.session.options.prompt.chat.empty())
    failUsage("--chat: --preset paper wraps prompts as the published runner does");
}

EvaluationOptions resolveLongBench(LongBenchArguments& arguments) {
  refuseChatOfPaper(arguments);
  evaluation::LongBenchOptions longbench{.extended = arguments.extended,
                                         .rows = arguments.rows,
                                         .most_tokens = arguments.most_tokens,
                                         .new_tokens = givenNewTokens(arguments)};
  evaluation::chooseSets(arguments.sets, longbench);
  EvaluationOptions options = resolveEvaluation(arguments, kBudgets);
  if (isPaper(arguments))
    evaluation::applyFactoryProtocol(options.session.model.string(), longbench);
  else
    longbench.frame = chatFrame(options.session);
  options.task = evaluation::longBenchRequest(longbench, arguments.data);
  return options;
}

evaluation::Sources rulerSources(const RulerArguments& arguments) {
  if (!arguments.data.empty()) return {{evaluation::kDataSource, {arguments.data}}};
  evaluation::Sources sources{{evaluation::kHaystackSource, arguments.haystack}};
  if (arguments.haystack.empty())
    if (const fs::path text = bundled("samples/persuasion.txt"); !text.empty())
      sources[evaluation::kHaystackSource] = {text};
  if (!arguments.squad.empty()) sources[evaluation::kSquadSource] = {arguments.squad};
  if (!arguments.hotpot.empty()) sources[evaluation::kHotpotSource] = {arguments.hotpot};
  return sources;
}

EvaluationOptions resolveRuler(RulerArguments& arguments) {
  refuseChatOfPaper(arguments);
  if (arguments.rows == 0) failUsage("--rows 0: needs at least one row");
  evaluation::Sources sources = rulerSources(arguments);
  evaluation::RulerOptions ruler{.tasks = evaluation::chooseRulerTasks(arguments.tasks, sources),
                                 .rows = arguments.rows,
                                 .seed = arguments.session.options.seed,
                                 .new_tokens = givenNewTokens(arguments),
                                 .published = !arguments.data.empty()};
  for (const std::uint32_t length : parseCounts("--lengths", arguments.lengths)) ruler.lengths.push_back(length);
  if (isPaper(arguments) && ruler.new_tokens == 0) ruler.new_tokens = kFactoryRulerTokens;
  EvaluationOptions options = resolveEvaluation(arguments, kBudgets);
  ruler.frame = chatFrame(options.session);
  options.task = {
      .name = evaluation::kRulerTask, .values = evaluation::rulerJson(ruler), .sources = std::move(sources)};
  return options;
}

EvaluationOptions resolveQuestions(QuestionArguments& arguments) {
  refuseChatOfPaper(arguments);
  EvaluationOptions options = resolveEvaluation(arguments, kBudgets);
  evaluation::QuestionOptions questions{.metric = arguments.metric,
                                        .prompt_template = arguments.prompt_template,
                                        .rows = arguments.rows,
                                        .most_tokens = arguments.most_tokens,
                                        .new_tokens = options.session.max_new_tokens};
  if (const evaluation::TextFrame frame = chatFrame(options.session);
      frame.place != evaluation::TextFrame::Place::None) {
    if (questions.prompt_template.empty()) questions.prompt_template = "{context}\n\n{question}";
    questions.prompt_template = evaluation::framed(frame, questions.prompt_template);
    questions.adds_special = frame.adds_special;
  }
  options.task = evaluation::questionsRequest(questions, arguments.file);
  return options;
}

template <class Arguments, class Resolve>
void onCall(CLI::App& command, std::shared_ptr<Arguments> arguments, const Resolve& resolve, const RunEvaluation& run) {
  command.callback([arguments, resolve, run] {
    const EvaluationOptions options = resolve(*arguments);
    run(options, *arguments);
  });
}

void addLongBench(CLI::App& evaluate, const RunEvaluation& run) {
  auto arguments = std::make_shared<LongBenchArguments>();
  CLI::App& command = *evaluate.add_subcommand("longbench", "LongBench, from its published folder");
  addEvaluationOptions(command, *arguments, kMostNewTokens);
  addChatOptions(command, arguments->session);
  command.add_option("--data", arguments->data, "LongBench's folder: data/*.jsonl, config/dataset2prompt.json")
      ->required();
  command.add_option("--sets", arguments->sets, "sets or groups of them: all, en, zh, code, hotpotqa,trec")
      ->capture_default_str();
  command.add_option("--rows", arguments->rows, "only the first rows of each set")->check(atLeastOne);
  command
      .add_option("--max-prompt-tokens", arguments->most_tokens,
                  "a longer prompt is cut in the middle (what the model's positions leave; paper: as published)")
      ->check(atLeastOne);
  command.add_flag("--e", arguments->extended, "LongBench-E: its files *_e.jsonl, in three buckets of length");
  onCall(command, arguments, resolveLongBench, run);
}

void addRuler(CLI::App& evaluate, const RunEvaluation& run) {
  auto arguments = std::make_shared<RulerArguments>();
  CLI::App& command = *evaluate.add_subcommand("ruler", "RULER's 13 tasks, generated to the token, or its files");
  addEvaluationOptions(command, *arguments, kMostNewTokens);
  addChatOptions(command, arguments->session);
  command.add_option("--lengths", arguments->lengths, "tokens of prompt and answer: 4096,8192 or start:stop:count")
      ->capture_default_str();
  command.add_option("--tasks", arguments->tasks, "niah_single_1,vt,… or all whose source is at hand")
      ->capture_default_str();
  command.add_option("--rows", arguments->rows, "prompts of each task and length")->capture_default_str();
  command.add_option("--haystack", arguments->haystack,
                     "text, or folder of *.txt files (default: Persuasion, by Jane Austen)");
  command.add_option("--squad", arguments->squad, "SQuAD's JSON file, for qa_1");
  command.add_option("--hotpotqa", arguments->hotpot, "HotpotQA's JSON file, for qa_2");
  command.add_option("--data", arguments->data, "published rows instead: FOLDER/4096/vt.jsonl");
  onCall(command, arguments, resolveRuler, run);
}

void addQuestions(CLI::App& evaluate, const RunEvaluation& run) {
  auto arguments = std::make_shared<QuestionArguments>();
  CLI::App& command = *evaluate.add_subcommand("questions", "your own contexts, questions and answers");
  addEvaluationOptions(command, *arguments, kQuestionNewTokens);
  addChatOptions(command, arguments->session);
  command.add_option("file", arguments->file, "JSON Lines: context, question, answers; or context, questions: [...]")
      ->required();
  command.add_option("--metric", arguments->metric, "of rows that name none")->capture_default_str();
  command.add_option("--template", arguments->prompt_template, "prompt template with {context} and {question}");
  command.add_option("--rows", arguments->rows, "only the first rows")->check(atLeastOne);
  command
      .add_option("--max-prompt-tokens", arguments->most_tokens, "the context of a longer prompt is cut in the middle")
      ->check(atLeastOne);
  onCall(command, arguments, resolveQuestions, run);
}

}  // namespace

void addBenchmarkCommands(CLI::App& evaluate, const RunEvaluation& run) {
  addLongBench(evaluate, run);
  addRuler(evaluate, run);
  addQuestions(evaluate, run);
}

}  // namespace kvatlas::app
