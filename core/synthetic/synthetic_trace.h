// A trace of any size without a model: closed-form attention with sinks, bands, heavy hitters and documents, and
// real policies on it. For tests and for trying the views at lengths that take hours to capture.
#pragma once

#include <filesystem>

#include "core/base/progress.h"
#include "core/trace/records.h"

namespace kvatlas::synthetic {

struct SyntheticOptions {
  std::uint32_t tokens = 4096, layers = 4, query_heads = 8, kv_heads = 2, head_dim = 64, vocab = 32'000;
  std::uint32_t map_size = 512, window = 8, new_tokens = 8;
  std::uint32_t documents = 0;           // 0: chosen from the length
  std::vector<std::uint32_t> qk_layers;  // layers with queries and keys: their exact attention, which takes N² time
  std::vector<std::string> methods{"streamingllm", "h2o", "snapkv", "pyramidkv"};
  std::vector<std::string> budgets{"5%", "20%"};  // one run per method and budget
  std::uint64_t seed = 0;
  unsigned threads = 0;  // 0: all processors
};

// Writes layer by layer; the same options give the same bytes. UsageError for conflicting options.
void writeSyntheticTrace(const std::filesystem::path& path, const SyntheticOptions& options,
                         const WorkContext& work = {});

// Estimated size of the file.
[[nodiscard]] std::uint64_t expectedBytes(const SyntheticOptions& options);

}  // namespace kvatlas::synthetic
