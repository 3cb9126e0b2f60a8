// `kvatlas bench make-trace`: a synthetic trace of any size. Knows the generator, no model.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addMakeTraceCommand(CLI::App& bench);

}  // namespace kvatlas::app
