// `kvatlas info`: what a trace holds, as text and as JSON.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addInfoCommand(CLI::App& root);

}  // namespace kvatlas::app
