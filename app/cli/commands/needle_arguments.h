// The options of `kvatlas evaluate needle`, as typed and resolved; must not know libtorch.
#pragma once

#include <CLI/CLI.hpp>

#include "app/cli/commands/evaluation_arguments.h"

namespace kvatlas::app {

struct NeedleArguments : EvaluationArguments {
  std::vector<std::string> haystack, kinds;
  std::string lengths = "256:2048:8", depths, score, asking = "completion", split = "held-out";
  std::string needle, question, answer, prompt_template;
  std::uint32_t needles = 0, trials = 1;
  bool repeat = false;
};

void addNeedleOptions(CLI::App& command, NeedleArguments& arguments);
// UsageError names the option and the expected value.
[[nodiscard]] evaluation::EvaluationOptions resolveNeedleOptions(NeedleArguments& arguments);

}  // namespace kvatlas::app
