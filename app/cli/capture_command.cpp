#include "app/cli/capture_command.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/capture/capture_module.h"
#include "app/cli/interrupt.h"
#include "app/cli/module_loader.h"
#include "app/cli/session_options.h"
#include "app/cli/summary_table.h"

namespace kvatlas::app {
namespace {

struct CaptureArguments {
  SessionArguments session;
  capture::CaptureOptions options;
  std::vector<std::uint32_t> layers;
  std::string answer;
  bool json = false, quiet = false;
};

// Runs one entry of the capture library with progress and Ctrl-C; rethrows its outcome as the error it stands for.
// `stopped` words a stop by the user.
template <class Entry, class Call>
void callCapture(const char* symbol, Call call, bool quiet, const std::function<std::string()>& stopped) {
  const Interrupt interrupt(stopped);
  // libtorch's OpenMP threads spin between its many short parallel loops; beyond some microseconds that only takes the
  // processor from others. Has to be set before the library is opened; a value of the user's stays.
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  // Its matrix products add in an order that depends on the number of threads unless told not to.
  ::setenv("MKL_CBWR", "AUTO,STRICT", 0);
  const auto entry = reinterpret_cast<Entry>(moduleSymbol(kCaptureLibrary, symbol));
  const auto progress = makeStderrProgress(quiet);
  const WorkContext work{.progress = progress.get(), .stop = interrupt.token()};
  call.work = &work;
  Outcome outcome;
  entry(&call, &outcome);
  progress->end();
  if (outcome.exit_code == 2) throw UsageError(outcome.message);
  if (outcome.exit_code == 130) throw Cancelled(stopped());
  if (outcome.exit_code != 0) throw Error(outcome.message);
}

using FileTime = std::optional<std::filesystem::file_time_type>;

std::filesystem::path partOf(const std::filesystem::path& output) {
  return std::filesystem::path(output) += ".part";
}

FileTime writtenAt(const std::filesystem::path& file) {
  std::error_code code;
  const auto time = std::filesystem::last_write_time(file, code);
  return code ? FileTime() : time;
}

// Where a capture that is stopped left what it recorded. A file that is as it was before is an earlier capture's.
std::string stoppedText(const std::filesystem::path& part, FileTime before) {
  const FileTime now = writtenAt(part);
  return !now || now == before ? "stopped before anything was recorded"
                               : fmt::format("stopped; what was recorded so far is in {}", part.string());
}

// File names need not be UTF-8; JSON has to be.
std::string jsonText(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

void runCaptureCommand(CaptureArguments& arguments) {
  resolveSessionOptions(arguments.session);
  arguments.options.session = arguments.session.options;
  if (!arguments.layers.empty()) arguments.options.layers = arguments.layers;
  capture::CaptureSummary summary;
  const auto part = partOf(arguments.options.output);
  const FileTime before = writtenAt(part);
  callCapture<CaptureEntry>("kvatlasCapture", CaptureCall{.options = &arguments.options, .summary = &summary},
                            arguments.quiet, [&] { return stoppedText(part, before); });
  if (arguments.json)
    fmt::print("{}\n", jsonText(summaryJson(summary, arguments.answer)));
  else if (!arguments.quiet)
    fmt::print("{}", summaryTable(summary, arguments.answer));
}

void runGenerateCommand(CaptureArguments& arguments) {
  resolveSessionOptions(arguments.session);
  capture::GenerateSummary summary;
  callCapture<GenerateEntry>("kvatlasGenerate",
                             GenerateCall{.options = &arguments.session.options, .summary = &summary}, arguments.quiet,
                             [] { return std::string("stopped"); });
  if (arguments.json) {
    fmt::print("{}\n", jsonText(runsJson(summary.runs)));
  } else if (summary.runs.size() == 1) {
    fmt::print("{}\n", summary.runs.front().text);
  } else {
    for (const capture::RunSummary& run : summary.runs) fmt::print("== {}\n{}\n", run.label, run.text);
  }
}

}  // namespace

void addCaptureCommand(CLI::App& root) {
  auto arguments = std::make_shared<CaptureArguments>();
  CLI::App& command = *root.add_subcommand("capture", "run a prompt under several methods and record a trace");
  addSessionOptions(command, arguments->session);
  command.add_option("--layers", arguments->layers, "record the attention of these layers only: 0,6,12")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--map-size", arguments->options.map_size, "largest side of the recorded maps, 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 16));
  command.add_flag("--keep-qk", arguments->options.keep_qk, "keep queries and keys, for exact tiles later");
  command.add_option("-o,--output", arguments->options.output, "trace file, *.kva.h5")->required();
  command.add_option("--answer", arguments->answer, "the right answer: the summary tells which runs give it");
  command.add_flag("--json", arguments->json, "print the summary as JSON");
  command.add_flag("-q,--quiet", arguments->quiet, "no progress, no summary");
  command.callback([arguments] { runCaptureCommand(*arguments); });
}

void addGenerateCommand(CLI::App& root) {
  auto arguments = std::make_shared<CaptureArguments>();
  CLI::App& command = *root.add_subcommand("generate", "print the text each method generates");
  addSessionOptions(command, arguments->session);
  command.add_flag("--json", arguments->json, "print texts and measures as JSON");
  command.add_flag("-q,--quiet", arguments->quiet, "no progress");
  command.callback([arguments] { runGenerateCommand(*arguments); });
}

}  // namespace kvatlas::app
