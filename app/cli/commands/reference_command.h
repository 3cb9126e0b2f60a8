// The hidden command `kvatlas reference`: manual pages and shell completion for packages.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

// Add it last: it describes the commands that `root` has when it runs.
void addReferenceCommand(CLI::App& root);

}  // namespace kvatlas::app
