// One layer of a synthetic trace: the closed form of every head, or exact attention of synthetic queries and keys where
// these are kept. Knows the records of a trace, no file and no policy.
#pragma once

#include "core/synthetic/document.h"
#include "core/synthetic/head_model.h"

namespace kvatlas::synthetic {

struct LayerRequest {
  const SyntheticPrompt* prompt = nullptr;
  const trace::ModelInfo* model = nullptr;
  const trace::AttentionPlan* plan = nullptr;
  std::uint32_t new_tokens = 0;
  std::uint64_t seed = 0;
  unsigned threads = 0;
};

struct SyntheticLayer {
  trace::LayerRecord record;
  SignalValues values;  // the record's signals as floats, rounded as the record stores them
  // Probabilities of the query each generated token was chosen by: [query_heads, new_tokens, N + new_tokens], zero
  // beyond the query.
  std::vector<float> decode_rows;
};

[[nodiscard]] SyntheticLayer makeLayer(const LayerRequest& request, LayerIndex layer);

// Where the outputs of one head lie; shared with the exact variant.
struct HeadOutputs {
  PerSignal<float*> values;  // null: not wanted
  float *map_mean, *map_max, *decode_rows;
};
// [query_heads of one KV head] outputs from queries and keys, whose bf16 bits go into the record. key_norm: [N].
void attendExactly(const LayerRequest& request, const HeadPlace& first, std::uint32_t group, const HeadOutputs& outputs,
                   float* key_norm, trace::LayerRecord& record);

}  // namespace kvatlas::synthetic
