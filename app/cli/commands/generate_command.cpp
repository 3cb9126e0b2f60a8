#include "app/cli/commands/generate_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/capture_call.h"
#include "app/cli/session_options.h"
#include "app/cli/summary_table.h"
#include "core/base/error.h"
#include "core/evaluation/row_file.h"

namespace kvatlas::app {
namespace {

using nlohmann::ordered_json;

struct GenerateArguments {
  SessionArguments session;
  std::filesystem::path prompts;
  std::uint32_t batch = 1;
  bool json = false, quiet = false;
};

std::string stopped() {
  return "stopped";
}

void generateOne(GenerateArguments& arguments) {
  resolvePromptOptions(arguments.session);
  resolveModelAndBudget(arguments.session);
  capture::GenerateSummary summary;
  callCapture<GenerateEntry>("kvatlasGenerate",
                             GenerateCall{.options = &arguments.session.options, .summary = &summary}, arguments.quiet,
                             stopped);
  if (arguments.json)
    return fmt::print("{}\n", runsJson(summary.runs).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  if (summary.runs.size() == 1) return fmt::print("{}\n", summary.runs.front().text);
  const bool several = arguments.session.options.prompt.questions.size() > 1;
  for (const capture::RunSummary& run : summary.runs)
    fmt::print("== {}{}\n{}\n", run.label, several ? " · " + run.question : "", run.text);
}

std::string idOf(const JsonField& fields, std::size_t number) {
  const nlohmann::json* id = fields.raw("id");
  if (id == nullptr) return std::to_string(number);
  if (id->is_number_integer()) return id->dump();
  return fields.text("id");
}

// {"prompt", optional "question" and "id"}
std::vector<capture::PromptRow> readPrompts(const std::filesystem::path& file, const capture::PromptOptions& shape) {
  Sha256 ignored;
  std::vector<capture::PromptRow> rows;
  for (const evaluation::Row& row : evaluation::readRows(file, 0, ignored)) {
    const JsonField fields = row.fields();
    capture::PromptRow& one =
        rows.emplace_back(capture::PromptRow{.id = idOf(fields, rows.size() + 1), .where = row.where, .prompt = shape});
    one.prompt.text = fields.text("prompt");
    if (one.prompt.text->empty()) fields.refuse("prompt", "a text that is not empty");
    if (const std::string question = fields.text("question", ""); !question.empty())
      one.prompt.questions = {question};
    else if (shape.compress == runs::Compress::Context)
      fields.refuse("question", "a question, which --compress context needs");
  }
  return rows;
}

void printAnswers(const capture::PromptAnswers& answers, bool json) {
  if (json) {
    const ordered_json line{{"id", answers.row->id}, {"tokens", answers.tokens}, {"runs", runsJson(answers.runs)}};
    fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    for (const capture::RunSummary& run : answers.runs)
      fmt::print("== {} · {}\n{}\n", answers.row->id, run.label, run.text);
  }
  std::fflush(stdout);
}

void generateMany(GenerateArguments& arguments) {
  resolvePromptShape(arguments.session);
  resolveModelAndBudget(arguments.session);
  const capture::SessionOptions& options = arguments.session.options;
  const std::vector<capture::PromptRow> rows = readPrompts(arguments.prompts, options.prompt);
  const std::function<void(const capture::PromptAnswers&)> each = [&](const capture::PromptAnswers& answers) {
    printAnswers(answers, arguments.json);
  };
  callCapture<GenerateAllEntry>(
      "kvatlasGenerateAll", GenerateAllCall{.options = &options, .rows = rows, .batch = arguments.batch, .each = &each},
      arguments.quiet, stopped);
}

}  // namespace

void addGenerateCommand(CLI::App& root) {
  auto arguments = std::make_shared<GenerateArguments>();
  CLI::App& command = *root.add_subcommand("generate", "print the text each method generates");
  addModelOptions(command, arguments->session);
  addPromptOptions(command, arguments->session);
  CLI::Option* prompts = command.add_option(
      "--prompts", arguments->prompts,
      "JSON Lines of prompts instead: prompt, optional question and id; with --json a line for each");
  for (const char* other : {"--prompt", "--text", "--ids", "--question", "--span"})
    prompts->excludes(command.get_option(other));
  addBatchOption(command, arguments->batch);
  command.get_option("--batch")->needs(prompts);
  command.add_flag("--json", arguments->json, "print texts and measures as JSON");
  command.add_flag("-q,--quiet", arguments->quiet, "no progress");
  command.callback([arguments] { arguments->prompts.empty() ? generateOne(*arguments) : generateMany(*arguments); });
}

}  // namespace kvatlas::app
