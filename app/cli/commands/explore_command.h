// `kvatlas explore`: replaces this process with the Explorer; must not know Qt.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addExploreCommand(CLI::App& root);

}  // namespace kvatlas::app
