// `kvatlas figure`: parses options for the figures library; must not know Qt.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addFigureCommand(CLI::App& root);

}  // namespace kvatlas::app
