// `kvatlas export`: one part of a trace as CSV or JSON.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addExportCommand(CLI::App& root);

}  // namespace kvatlas::app
