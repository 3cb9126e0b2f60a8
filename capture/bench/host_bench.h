// Measures the host: the parts of a prefill against its best matrix product, a decoding step against its memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "capture/model/config.h"
#include "core/base/progress.h"

namespace kvatlas::capture {

struct HostBenchOptions {
  std::filesystem::path model;  // or, empty, random weights of `shape`
  ModelConfig shape;
  std::string dtype = "f32";  // f32, bf16
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint32_t> branches;  // of a decoding step
  std::uint32_t repeat = 3;
  unsigned threads = 1;  // one: processor seconds, which other load hardly disturbs; else seconds waited
};

// Least seconds of the repetitions. Rates count the operations of the algorithm; only visible pairs of attention.
struct PrefillBenchRow {
  std::uint32_t tokens = 0;
  std::string products_by;                             // "packed" or "plain"
  double limit = 0;                                    // GFLOP/s of the fastest large product of the type
  double products = 0, attention = 0, probe = 0;       // GFLOP/s
  double prefill_seconds = 0;                          // the whole model, nothing recorded
  double products_seconds = 0, attention_seconds = 0;  // of all layers
  double probe_seconds = 0;                            // of all layers, beyond the prefill: every output
};

struct DecodeBenchRow {
  std::uint32_t branches = 0, tokens = 0;  // tokens that each holds
  double step_seconds = 0;
  double bytes = 0;      // weights once, keys and values of every branch
  double bandwidth = 0;  // GB/s of reading a large array
};

void benchPrefill(const HostBenchOptions& options, const WorkContext& work,
                  const std::function<void(const PrefillBenchRow&)>& row);
void benchDecodeStep(const HostBenchOptions& options, const WorkContext& work,
                     const std::function<void(const DecodeBenchRow&)>& row);

}  // namespace kvatlas::capture
