// `kvatlas validate`: whether a trace is whole and its numbers mean what they should.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addValidateCommand(CLI::App& root);

}  // namespace kvatlas::app
