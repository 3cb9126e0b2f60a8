// `kvatlas tokenize` and `kvatlas detokenize`: text and token ids through standard input and output.
#pragma once

#include <CLI/CLI.hpp>

namespace kvatlas::app {

void addTokenizeCommands(CLI::App& root);

}  // namespace kvatlas::app
