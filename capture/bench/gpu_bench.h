// Measures a device with a model of random weights: capture against plain prefill, many branches against one, peak
// memory, and the probe alone against library implementations of the same statistics.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct GpuBenchOptions {
  std::string device = "cuda", dtype = "auto";
  std::vector<std::uint32_t> lengths;  // empty: all of 2048 … 131072 that fit
  std::uint32_t repeat = 3, new_tokens = 32, map_size = 512;
  std::uint32_t library_most = 32768;  // longest prompt for the library-only path
  ModelConfig shape;                   // without layers: llama3Shape()
  std::uint32_t layers = 0;            // number of layers to build; 0: all of the shape
};

// Times are medians in seconds; 0: not measured, `missing` says why.
struct GpuBenchRow {
  std::uint32_t tokens = 0;
  double probe = 0, probe_tflops = 0;    // one layer: entropy, column sums, mean and max map
  double library = 0;                    // one layer by libtorch's attention alone, f32
  double pooling = 0;                    // one layer: SeerAttention's block max-pooled map by library calls
  double prefill = 0, capture = 0;       // all statistics of every layer, discarded
  double full_decode = 0, branches = 0;  // decoding full alone, and with 16 more branches
  std::uint64_t peak_bytes = 0;          // peak device memory of these runs, with libtorch's cached blocks
  std::vector<std::string> missing;      // "library-only path: not measured beyond 32768 tokens"
};

struct GpuBenchReport {
  std::string shape;    // name of the model's shape
  std::string machine;  // device, type, attention kernel, probe path
};

// Llama 3 8B.
[[nodiscard]] ModelConfig llama3Shape();

// The lengths that fit: `lacking` returns an empty text. Warns of each other one. Error when none fits.
[[nodiscard]] std::vector<std::uint32_t> fittingLengths(std::span<const std::uint32_t> lengths,
                                                        const std::function<std::string(std::uint32_t)>& lacking,
                                                        const std::function<void(const std::string&)>& warn);

// The result of `work`; 0 when libtorch refuses or runs out of memory, with the reason added to `missing`.
[[nodiscard]] double measureOrNote(const std::string& name, std::vector<std::string>& missing,
                                   const std::function<double()>& work);

// Calls `row` as soon as a length is measured. Error when the device does not exist or a requested length does not fit.
void benchGpu(const GpuBenchOptions& options, const WorkContext& work,
              const std::function<void(const GpuBenchReport&, const GpuBenchRow&)>& row);

}  // namespace kvatlas::capture
