// Parses benchmark scripts: one step per line.
#pragma once

#include <string>
#include <vector>

namespace kvatlas::app {

struct BenchStep {
  std::string verb;  // wheel NOTCHES, pan DX DY, layer BY, head BY, fit, views COUNT, wait
  int a = 0, b = 0;
  int times = 1;
  [[nodiscard]] std::string text() const;
};

// "panzoom" and "nine" (nine linked views) are built in; any other name is a file with one step per line: "pan -40 0
// x60", "wheel 1 x30", "wait"; # starts a comment. UsageError names the wrong line.
[[nodiscard]] std::vector<BenchStep> benchScript(const std::string& name);

}  // namespace kvatlas::app
