// The options that capture and generate share; knows no libtorch.
#pragma once

#include <CLI/CLI.hpp>

#include "capture/session/options.h"

namespace kvatlas::app {

// Values as typed, until resolve() has checked them.
struct SessionArguments {
  capture::SessionOptions options;
  std::vector<std::string> methods, budgets, spans;
  std::string granularity, preset, follow = "own", text, prompt, ids;
  bool text_given = false;
};

void addSessionOptions(CLI::App& command, SessionArguments& arguments);
// Fills arguments.options; UsageError names the option and the nearest known words.
void resolveSessionOptions(SessionArguments& arguments);

}  // namespace kvatlas::app
