// A small, self-consistent trace for tests: real causal softmax attention of random queries and keys with sinks, a
// local band and a heavy hitter, computed naively in double precision, and five methods over it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::test {

struct SampleTraceOptions {
  std::uint32_t tokens = 256, layers = 4, query_heads = 4, kv_heads = 2, head_dim = 16, vocab = 512;
  std::uint32_t window = 8, map_size = 128, new_tokens = 6;
  std::vector<std::uint32_t> budgets = {32};  // tokens per head; every method but full has one run per budget
  std::uint64_t sliding_window = 0;
  bool keep_qk = true;
  bool query_head_granularity = false;
  std::uint32_t attended = 8;  // K most attended keys per generated token; 0: not recorded
  std::uint32_t experts = 0;   // of each layer, two per token; 0: none
  std::uint32_t seed = 1;
  bool finish = true;  // false: leaves "<path>.part"
};

// All parts of a sample trace, for round-trip tests.
struct SampleTrace {
  trace::TraceHeader header;
  std::vector<trace::LayerRecord> layers;
  std::vector<float> next_logits;
  ExpertUse experts;
  std::vector<trace::RunRecord> runs;
};

[[nodiscard]] SampleTrace makeSampleTrace(const SampleTraceOptions& options = {});
void writeSampleTrace(const std::filesystem::path& path, const SampleTrace& sample, bool finish = true);
void writeSampleTrace(const std::filesystem::path& path, const SampleTraceOptions& options = {});

}  // namespace kvatlas::test
