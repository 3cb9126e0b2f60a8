// `kvatlas bench make-trace`: writes a synthetic trace of any size.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addMakeTraceCommand(CLI::App& bench);

}  // namespace kvatlas::app
