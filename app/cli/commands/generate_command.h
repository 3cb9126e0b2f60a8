// `kvatlas generate`: the text that each method generates, of one prompt or of a file of prompts; must not know
// libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addGenerateCommand(CLI::App& root);

}  // namespace kvatlas::app
