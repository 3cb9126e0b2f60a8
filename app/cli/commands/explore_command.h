// `kvatlas explore`: starts the Explorer in this process's place; knows no Qt.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addExploreCommand(CLI::App& root);

}  // namespace kvatlas::app
