// `kvatlas evaluate needle` and `kvatlas evaluate merge`: options in, a table of scores out; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addEvaluateCommand(CLI::App& root);

}  // namespace kvatlas::app
