// Runs this programme as a child and measures it from outside: wall and processor time and peak memory. Knows processes
// only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::app {

struct ChildRun {
  double wall_seconds = 0;
  double processor_seconds = 0;  // of all its threads: hardly changes when others use the machine too
  std::uint64_t peak_bytes = 0;  // largest resident set
};

// `kvatlas arguments…` with its output thrown away. Error with the command when it does not exit with 0.
[[nodiscard]] ChildRun runKvatlas(const std::vector<std::string>& arguments);

// Median of an odd or even number of values; n ≥ 1.
[[nodiscard]] double median(std::vector<double> values);

}  // namespace kvatlas::app
