// `kvatlas validate`: checks that a trace is complete and consistent.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addValidateCommand(CLI::App& root);

}  // namespace kvatlas::app
