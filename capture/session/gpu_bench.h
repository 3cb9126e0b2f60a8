// Measures a device with a model of random weights: the probe alone, capture against plain prefill, many branches
// against one, peak memory. Knows sessions, no command line, no file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct GpuBenchOptions {
  std::string device = "cuda", dtype = "auto";
  std::vector<std::uint32_t> lengths{2048, 4096, 8192, 16384, 32768, 65536, 131072};
  std::uint32_t repeat = 3, new_tokens = 32, map_size = 512;
  std::uint32_t library_most = 32768;  // longest prompt for the library-only path
  ModelConfig shape;                   // without layers: llama3Shape()
};

// Times are medians in seconds; 0: not measured.
struct GpuBenchRow {
  std::uint32_t tokens = 0;
  double probe = 0, probe_tflops = 0;    // one layer: entropy, column sums, mean and max map
  double library = 0;                    // one layer by libtorch's attention alone, f32
  double prefill = 0, capture = 0;       // everything of every layer, thrown away
  double full_decode = 0, branches = 0;  // decoding full alone, and beside 16 more
  std::uint64_t peak_bytes = 0;          // of device memory, libtorch's reserve included
};

struct GpuBenchReport {
  std::string shape;    // name of the model's shape
  std::string machine;  // device, type, attention kernel, probe path
};

// Llama 3 8B.
[[nodiscard]] ModelConfig llama3Shape();

// Calls `row` as soon as a length is measured. Error when the device is not there.
void benchGpu(const GpuBenchOptions& options, const WorkContext& work,
              const std::function<void(const GpuBenchReport&, const GpuBenchRow&)>& row);

}  // namespace kvatlas::capture
