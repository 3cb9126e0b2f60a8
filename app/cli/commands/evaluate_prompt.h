// `kvatlas evaluate prompt`: the prompt of a case of a run; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addPromptCommand(CLI::App& evaluate);

}  // namespace kvatlas::app
