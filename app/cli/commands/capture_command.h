// `kvatlas capture`: options in, a trace and a table out; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addCaptureCommand(CLI::App& root);

}  // namespace kvatlas::app
