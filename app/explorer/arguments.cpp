#include "app/explorer/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/reference/reference_text.h"
#include "core/base/error.h"
#include "core/base/version.h"

namespace kvatlas::app {

std::optional<ExplorerArguments> parseArguments(int argc, char** argv) {
  ExplorerArguments arguments;
  CLI::App parser{"KVAtlas Explorer: attention maps and KV-cache eviction in a window", "kvatlas-explorer"};
  parser.set_version_flag("--version", std::string("kvatlas-explorer ") + kVersion);
  std::vector<std::string> files;
  parser.add_option("file", files,
                    "trace files (*.kva.h5, or the .part of a running capture), whose runs are all listed, or a folder "
                    "of results");
  parser.add_option("--view", arguments.view, "view state to restore: JSON, or a file with it");
  parser.add_option("--theme", arguments.theme, "system, light or dark (default: last choice)")
      ->check(CLI::IsMember({"system", "light", "dark"}));
  parser.add_option(
      "--screenshot-tour", arguments.tour_folder,
      "save images of every page of the trace or the results (default: the example), light and dark, to this folder");
  parser.add_option("--bench", arguments.bench_script,
                    "replay a script of events and print frame times: a file, 'panzoom' or 'nine'");
  parser.add_option("--settings", arguments.settings_file, "store layout and recent files in this file");
  std::string reference;  // for packages
  parser.add_option("--reference", reference, "print a manual page or a shell's completion script")->group("");
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(error.what());
    parser.exit(error);
    return {};
  }
  if (!reference.empty()) {
    fmt::print("{}", referenceText(referenceOf(parser), reference));
    return {};
  }
  if (!files.empty()) {
    arguments.file = files.front();
    arguments.more_files.assign(files.begin() + 1, files.end());
  }
  if (!arguments.view.empty() && arguments.file.empty()) failUsage("--view needs the trace file it belongs to");
  return arguments;
}

}  // namespace kvatlas::app
