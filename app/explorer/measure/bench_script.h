// What a bench does to the map, line by line; knows text only.
#pragma once

#include <string>
#include <vector>

namespace kvatlas::app {

struct BenchStep {
  std::string verb;  // wheel NOTCHES, pan DX DY, layer BY, head BY, fit, wait
  int a = 0, b = 0;
  int times = 1;
  [[nodiscard]] std::string text() const;
};

// "panzoom" is built in; any other name is a file with one step per line: "pan -40 0 x60", "wheel 1 x30", "wait",
// comments from #. UsageError names the line that is wrong.
[[nodiscard]] std::vector<BenchStep> benchScript(const std::string& name);

}  // namespace kvatlas::app
