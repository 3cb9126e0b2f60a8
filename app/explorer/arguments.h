// What `kvatlas-explorer` was asked for on its command line; knows no window.
#pragma once

#include <optional>
#include <string>

namespace kvatlas::app {

struct ExplorerArguments {
  std::string file, view;     // a trace, and the state to show it in
  std::string theme;          // "", "system", "light", "dark"
  std::string tour_folder;    // --screenshot-tour
  std::string bench_script;   // --bench
  std::string settings_file;  // --settings: instead of the user's own
};

// Empty where only help or the version was asked for. UsageError for what cannot be.
[[nodiscard]] std::optional<ExplorerArguments> parseArguments(int argc, char** argv);

}  // namespace kvatlas::app
