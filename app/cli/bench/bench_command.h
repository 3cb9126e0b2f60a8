// `kvatlas bench NAME`: measures ratios against a baseline in the same run and prints Markdown tables.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addBenchCommand(CLI::App& root);

}  // namespace kvatlas::app
