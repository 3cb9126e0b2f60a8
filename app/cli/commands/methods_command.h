// `kvatlas methods`: the methods, their parts and parameters.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addMethodsCommand(CLI::App& root);

}  // namespace kvatlas::app
