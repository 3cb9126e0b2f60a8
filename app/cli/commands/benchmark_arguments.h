// The options of `kvatlas evaluate longbench`, `ruler` and `questions`; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "app/cli/commands/evaluation_arguments.h"

namespace kvatlas::app {

using RunEvaluation = std::function<void(const evaluation::EvaluationOptions&, const EvaluationArguments&)>;

// Adds the three commands; each resolves its options and calls `run`. UsageError names the option and what it expects.
void addBenchmarkCommands(CLI::App& evaluate, const RunEvaluation& run);

}  // namespace kvatlas::app
