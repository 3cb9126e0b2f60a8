#include "app/cli/commands/capture_command.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli/capture_call.h"
#include "app/cli/session_options.h"
#include "app/cli/summary_table.h"
#include "core/base/error.h"
#include "core/evaluation/needle_task.h"
#include "core/trace/notes_writer.h"
#include "core/trace/question_output.h"

namespace kvatlas::app {
namespace {

struct CaptureArguments {
  SessionArguments session;
  capture::CaptureOptions options;
  std::vector<std::uint32_t> layers, heads;
  std::string answer;
  std::filesystem::path from;  // a folder of results
  std::string case_id;
  std::vector<std::filesystem::path> haystack, data;
  bool json = false, quiet = false;
};

using FileTime = std::optional<std::filesystem::file_time_type>;

std::filesystem::path partOf(const std::filesystem::path& output) {
  return std::filesystem::path(output) += ".part";
}

FileTime writtenAt(const std::filesystem::path& file) {
  std::error_code code;
  const auto time = std::filesystem::last_write_time(file, code);
  return code ? FileTime() : time;
}

// The message of a stopped capture: where its data is. An unchanged file belongs to an earlier capture.
std::string stoppedText(const std::filesystem::path& part, FileTime before) {
  const FileTime now = writtenAt(part);
  return !now || now == before ? "stopped before anything was recorded"
                               : fmt::format("stopped; everything recorded so far is in {}", part.string());
}

// File names may not be UTF-8; JSON must be.
std::string jsonText(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Captures a case of a needle run: its prompt, methods and budgets.
void captureCase(const CaptureArguments& arguments, capture::CaptureSummary& summary,
                 const std::function<std::string()>& stopped) {
  const evaluation::ReplayOptions options{
      .results = arguments.from,
      .case_id = arguments.case_id,
      .sources = {{evaluation::kHaystackSource, arguments.haystack}, {evaluation::kDataSource, arguments.data}},
      .capture = arguments.options};
  callCapture<ReplayEntry>("kvatlasReplay", ReplayCall{.options = &options, .summary = &summary}, arguments.quiet,
                           stopped);
}

// Several questions: a JSON array, or a table under each question.
void printSummaries(const CaptureArguments& arguments, const std::vector<capture::CaptureSummary>& summaries) {
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const capture::CaptureSummary& summary : summaries) all.push_back(summaryJson(summary, arguments.answer));
    return fmt::print("{}\n", jsonText(all.size() == 1 ? all.front() : all));
  }
  if (arguments.quiet) return;
  for (const capture::CaptureSummary& summary : summaries) {
    if (summaries.size() > 1)
      fmt::print("{}question: {}\n", &summary == summaries.data() ? "" : "\n", summary.question);
    fmt::print("{}", summaryTable(summary, arguments.answer));
  }
}

// In the notes, where the Explorer looks for it: its list of runs then says which are right.
void keepAnswer(const std::string& answer, const std::vector<capture::CaptureSummary>& summaries) {
  const std::string notes =
      nlohmann::json{{"answer", answer}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (const capture::CaptureSummary& summary : summaries) trace::writeNotes(summary.output, notes);
}

void runCaptureCommand(CaptureArguments& arguments) {
  const bool replay = !arguments.from.empty();
  if (!replay) {
    resolvePromptOptions(arguments.session);
    resolveModelAndBudget(arguments.session);
  }
  if (arguments.options.output.empty() && !replay) failUsage("--output is required");
  if (arguments.options.output.empty()) arguments.options.output = arguments.case_id + ".kva.h5";
  arguments.options.session = arguments.session.options;
  if (!arguments.layers.empty()) arguments.options.layers = arguments.layers;
  if (!arguments.heads.empty()) arguments.options.heads = arguments.heads;
  std::vector<capture::CaptureSummary> summaries;
  const auto part =
      partOf(trace::questionOutput(arguments.options.output, 0, arguments.options.session.prompt.questions.size()));
  const FileTime before = writtenAt(part);
  const auto stopped = [&] { return stoppedText(part, before); };
  if (replay)
    captureCase(arguments, summaries.emplace_back(), stopped);
  else
    callCapture<CaptureEntry>("kvatlasCapture", CaptureCall{.options = &arguments.options, .summaries = &summaries},
                              arguments.quiet, stopped);
  if (!arguments.answer.empty()) keepAnswer(arguments.answer, summaries);
  printSummaries(arguments, summaries);
}

// "" for every recorded layer, or a list: "0,6,12".
void keepQk(capture::CaptureOptions& options, const std::string& layers) {
  options.keep_qk = true;
  if (layers.empty()) return;
  options.qk_layers.emplace();
  const std::string text = layers + ',';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = text.find(',', at);
    std::uint32_t layer = 0;
    const auto [end, problem] = std::from_chars(text.data() + at, text.data() + comma, layer);
    if (problem != std::errc() || end != text.data() + comma)
      failUsage("--keep-qk {}: expected layer numbers, as in 0,6,12", layers);
    options.qk_layers->push_back(layer);
    at = comma + 1;
  }
}

void addReplayOptions(CLI::App& command, CaptureArguments& arguments) {
  CLI::Option* from =
      command.add_option("--from", arguments.from,
                         "capture a case of this run of evaluate: its prompt, methods and budgets (needs --case)");
  CLI::Option* chosen = command.add_option("--case", arguments.case_id, "with --from, the case: L1024-D30-number-t0");
  command.add_option("--haystack", arguments.haystack, "with --from, the text if it has moved since the run")
      ->needs(from);
  command.add_option("--data", arguments.data, "with --from, the rows of a benchmark if they have moved since the run")
      ->needs(from);
  from->needs(chosen);
  chosen->needs(from);
  for (const char* decided : {"--prompt", "--text", "--ids", "--chat", "--chat-date", "--system", "--span",
                              "--question", "--compress", "--follow", "--method", "--budget", "--window",
                              "--granularity", "--preset", "--max-new-tokens", "--dtype", "--seed"})
    from->excludes(command.get_option(decided));
}

}  // namespace

void addCaptureCommand(CLI::App& root) {
  auto arguments = std::make_shared<CaptureArguments>();
  CLI::App& command = *root.add_subcommand("capture", "run a prompt under several methods and record a trace");
  addModelOptions(command, arguments->session);
  addPromptOptions(command, arguments->session);
  addReplayOptions(command, *arguments);
  command.add_option("--layers", arguments->layers, "record the attention of these layers only: 0,6,12")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--map-size", arguments->options.map_size, "largest side of the recorded maps, 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 16));
  command.add_option("-o,--output", arguments->options.output, "trace file, *.kva.h5 (with --from: the case's id)");
  command.add_flag("--force", arguments->options.replace, "replace a trace that has the name of the output");
  command.add_option("--heads", arguments->heads, "record the attention of these query heads only: 0,3")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option_function<std::string>(
          "--keep-qk", [arguments](const std::string& layers) { keepQk(arguments->options, layers); },
          "record queries and keys, for exact tiles later; with a list, of these layers only: 0,6")
      ->expected(0, 1);
  command.add_option("--answer", arguments->answer, "the right answer: the summary shows which runs give it");
  command.add_flag("--json", arguments->json, "print the summary as JSON");
  command.add_flag("-q,--quiet", arguments->quiet, "no progress, no summary");
  command.callback([arguments] { runCaptureCommand(*arguments); });
}

}  // namespace kvatlas::app
