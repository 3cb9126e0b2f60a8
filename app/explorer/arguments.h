// Command line of `kvatlas-explorer`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kvatlas::app {

struct ExplorerArguments {
  std::string file, view;               // a trace, and the view state to restore
  std::vector<std::string> more_files;  // listed beside the first one
  std::string theme;                    // "", "system", "light", "dark"
  std::string tour_folder;              // --screenshot-tour
  std::string bench_script;             // --bench
  std::string settings_file;            // --settings: replaces the user's settings file
};

// Empty after --help or --version. UsageError for wrong arguments.
[[nodiscard]] std::optional<ExplorerArguments> parseArguments(int argc, char** argv);

}  // namespace kvatlas::app
