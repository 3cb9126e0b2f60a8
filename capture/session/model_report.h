// What a checkpoint is, and what computing it in bf16 changes on this machine. Knows no terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"

namespace kvatlas::capture {

// One compute type over the same text.
struct TypeReport {
  std::string type;        // f32 | bf16
  double seconds = 0;      // of the prefill, after one that is not counted
  std::size_t tokens = 0;  // of the text
  // Against f32: the largest difference of a logit as a share of the largest logit; mean KL(f32 ‖ type) in nats over
  // the positions; positions that choose the same next token.
  double largest_error = 0, mean_kl = 0;
  std::size_t same_choice = 0;
};

struct ModelReport {
  std::string name, architecture;
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0, head_dim = 0, vocab_size = 0;
  std::uint32_t experts = 0, experts_per_token = 0;
  std::uint64_t max_positions = 0, sliding_window = 0;
  std::uint64_t weights = 0;            // numbers in the layers, the embedding and the output
  std::uint64_t cache_bytes_token = 0;  // of all layers' keys and values in f32
  bool tokenizer = false, chat_template = false;
  bool fast_bf16 = false;         // the processor multiplies bf16
  std::vector<TypeReport> types;  // f32 first; empty unless measured
  std::vector<std::string> notices;
};

struct ModelReportOptions {
  std::filesystem::path model;
  bool measure = false;  // loads the weights in f32 and bf16, one after the other
  unsigned threads = 0;
};

// Error as for a capture: no model, an architecture that cannot be run, damaged weights.
[[nodiscard]] ModelReport reportModel(const ModelReportOptions& options, const WorkContext& work);

}  // namespace kvatlas::capture
