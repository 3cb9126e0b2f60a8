// What someone without the device needs to understand a failed comparison: shapes, the first differing values, and the
// inputs in a file small enough to send.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/kernels/cuda/cuda_backend.h"
#include "tests/kernels/probe_case.h"

namespace kvatlas::kernels {

inline std::string describe(const ProbeCase& c, KvatlasElement element, KvatlasProbePath path, bool gives_lse) {
  const ProbeShape& s = c.shape;
  return fmt::format(
      "probe path {}, element {}, {} query heads over {}, {} tokens, d {}, window {}, sliding {}, cell {}, lse {}",
      static_cast<int>(path), static_cast<int>(element), s.query_heads, s.kv_heads, s.tokens, s.head_dim, s.window,
      s.sliding_window, c.cell, gives_lse ? "given" : "computed");
}

// Success while every error is within `tolerance` of max(|expected|, floor), else the first values that are not.
inline testing::AssertionResult matches(const std::vector<float>& actual, const std::vector<float>& expected,
                                        double floor, double tolerance) {
  if (actual.size() != expected.size())
    return testing::AssertionFailure() << actual.size() << " values, expected " << expected.size();
  constexpr std::size_t kShown = 8;
  std::size_t wrong = 0;
  std::string shown;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double wanted = static_cast<double>(expected[i]);
    const double error = std::abs(static_cast<double>(actual[i]) - wanted) / std::max(std::abs(wanted), floor);
    if (error <= tolerance) continue;
    if (++wrong <= kShown) shown += fmt::format("  [{}] is {}, expected {}\n", i, actual[i], expected[i]);
  }
  if (wrong == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << wrong << " of " << actual.size() << " values differ by more than " << tolerance
                                     << ":\n"
                                     << shown;
}

// Writes query and key as raw f32 to the folder KVATLAS_DUMPS (the GPU kit sets it), at most 2 MB a case and 10 cases.
inline void dumpInputs(const ProbeCase& c, const std::string& description) {
  const char* folder = std::getenv("KVATLAS_DUMPS");
  static int s_dumped = 0;
  constexpr std::size_t kMostBytes = std::size_t{2} << 20;
  if (folder == nullptr || s_dumped >= 10 || (c.query.size() + c.key.size()) * sizeof(float) > kMostBytes) return;
  const std::string name = fmt::format("case-{}", s_dumped++);
  std::ofstream(std::filesystem::path(folder) / (name + ".txt")) << description << "\nquery, then key, f32\n";
  std::ofstream out(std::filesystem::path(folder) / (name + ".f32"), std::ios::binary);
  for (const std::vector<float>* values : {&c.query, &c.key})
    for (const float value : *values) out.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace kvatlas::kernels
