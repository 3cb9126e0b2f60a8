#include "app/cli/commands/export/export_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/cli/commands/export/export_parts.h"
#include "app/cli/interrupt.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void exportPart(const ExportRequest& request) {
  std::error_code code;
  const bool folder = std::filesystem::is_directory(request.file, code);
  if (!folder && contains(resultsPartNames(), request.what) && std::filesystem::exists(request.file, code))
    fail("{}: is a file; '{}' is exported from a folder of results", request.file, request.what);
  if (folder && contains(tracePartNames(), request.what))
    fail("{}: is a folder; '{}' is exported from a trace file", request.file, request.what);
  const bool trace_option = request.layer >= 0 || request.head >= 0 || request.run >= 0;
  if (folder && trace_option) failUsage("--layer, --head and --run have no meaning for a folder of results");
  if (!folder && !request.beside.empty()) failUsage("--beside has no meaning for a trace");
  if (!folder && !request.score.empty()) failUsage("--score has no meaning for a trace");
  folder ? exportResultsPart(request) : exportTracePart(request);
}

}  // namespace

void addExportCommand(CLI::App& root) {
  CLI::App* command =
      root.add_subcommand("export", "write one part of a trace or of results as CSV or JSON, or a trace as a web page");
  auto request = std::make_shared<ExportRequest>();
  command->add_option("file", request->file, "Trace file or folder of results")->required();
  command
      ->add_option("what", request->what,
                   fmt::format("Of a trace: {}; of results: {}", fmt::join(tracePartNames(), ", "),
                               fmt::join(resultsPartNames(), ", ")))
      ->required();
  command
      ->add_option("-o,--output", request->output,
                   "Output: name.csv or name.json; table: name.md, .csv or .tex; page: name.html")
      ->required();
  command->add_option("--layer", request->layer, "Only this layer")->check(CLI::NonNegativeNumber);
  command->add_option("--head", request->head, "Only this head")->check(CLI::NonNegativeNumber);
  command->add_option("--run", request->run, "Only this run")->check(CLI::NonNegativeNumber);
  command->add_option("--level", request->level, "Map level, 0 is the finest");
  command->add_option("--reduction", request->reduction, "Map reduction: mean or max")
      ->check(CLI::IsMember({"mean", "max"}));
  command->add_option("--score", request->score,
                      "Results: a recorded score, such as word_overlap (default: the run's own)");
  command->add_option("--beside", request->beside,
                      "Results, table: a CSV file of published numbers in percent, 'name,SET,SET,…'");
  addTileOptions(*command, request->tile);
  addPageOptions(*command, request->page);
  command->callback([request] {
    const Interrupt interrupt(stoppedBeforeTheEnd, kAtOnce);
    exportPart(*request);
  });
}

}  // namespace kvatlas::app
