// `kvatlas heads`: a table of head scores, for headkv and duoattention.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addHeadsCommand(CLI::App& root);

}  // namespace kvatlas::app
