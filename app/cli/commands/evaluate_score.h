// `kvatlas evaluate score`: scores files of predictions without a model; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addScoreCommand(CLI::App& evaluate);

}  // namespace kvatlas::app
