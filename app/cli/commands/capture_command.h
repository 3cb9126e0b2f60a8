// `kvatlas capture` and `kvatlas generate`: options in, table or text out; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addCaptureCommand(CLI::App& root);
void addGenerateCommand(CLI::App& root);

}  // namespace kvatlas::app
