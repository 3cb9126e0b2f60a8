// `kvatlas figure`: words to options, handed to the figures library; knows no Qt.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addFigureCommand(CLI::App& root);

}  // namespace kvatlas::app
