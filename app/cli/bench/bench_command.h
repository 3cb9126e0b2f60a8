// `kvatlas bench NAME`: measurements as ratios against a baseline of the same run, printed as Markdown tables. Knows
// child processes only.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addBenchCommand(CLI::App& root);

}  // namespace kvatlas::app
