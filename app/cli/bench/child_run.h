// Runs this programme as a child process and measures its wall time, processor time and peak memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::app {

struct ChildRun {
  double wall_seconds = 0;
  double processor_seconds = 0;  // of all threads: hardly depends on other load
  std::uint64_t peak_bytes = 0;  // largest resident set
};

// Runs `kvatlas arguments…` and discards its output. Error with the command when it does not exit with 0.
[[nodiscard]] ChildRun runKvatlas(const std::vector<std::string>& arguments);

// n ≥ 1; the mean of the middle two for even n.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace kvatlas::app
