// The contents of a trace as plain structs, shared by writer, reader and every user. No HDF5, torch or Qt.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/expert_use.h"
#include "core/base/ids.h"
#include "core/base/kept_lists.h"
#include "core/signals/signals.h"

namespace kvatlas::trace {

using kvatlas::Signal;

enum class Reduction { Mean, Max };  // of the probabilities inside a map cell

struct ModelInfo {
  std::string name, architecture, compute_dtype, weights_fingerprint;
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0, head_dim = 0, hidden_size = 0, vocab_size = 0;
  std::uint64_t sliding_window = 0;  // 0: none
  double rope_theta = 0;
  std::uint32_t experts = 0, experts_per_token = 0;  // of each layer's MLP; 0: no experts
  std::uint32_t tokenizer_ids = 0;  // ids of the tokenizer, where vocab_size is padded beyond them; 0: no such padding
};

struct Span {
  TokenIndex begin = 0, end = 0;  // token range [begin, end)
  std::string name;               // "needle", "question", "document 1", …
};

// A question fed to every run behind what it kept of the prompt.
struct Question {
  std::vector<TokenId> ids;            // [Q], at positions N, N + 1, …; empty: there is none
  std::string text;                    // UTF-8; empty for --ids
  std::vector<std::uint64_t> offsets;  // [Q+1] byte range of each token in text; empty without a question
};

struct Prompt {
  std::vector<TokenId> ids;            // [N]
  std::string text;                    // UTF-8; empty for --ids
  std::vector<std::uint64_t> offsets;  // [N+1] byte range of each token in text
  std::vector<Span> spans;
  Question question;  // if there is one, the prompt is a context that was compressed without it
  std::string chat;   // "auto", a built-in template's name, "unused" or "none"; "": unknown
  [[nodiscard]] std::uint64_t firstGenerated() const { return ids.size() + question.ids.size(); }  // a position
};

// The plan of a trace's attention part; fixed before the first data is written.
struct AttentionPlan {
  std::uint32_t window = 0;              // W
  std::vector<LayerIndex> layers;        // recorded layers, ascending
  std::vector<HeadIndex> heads;          // recorded query heads, ascending; empty: all
  std::vector<std::uint64_t> cells;      // tokens per cell of map level 0, 1, …; empty: no maps
  std::vector<LayerIndex> qk_layers;     // recorded layers that keep queries and keys, ascending
  SignalSet measured;                    // recorded signals that only a method asks for
  std::string signal_parameters = "{}";  // what they were measured with: JSON of policy::SignalParameters
};

// One recorded layer. Vectors are row-major; an empty one is not written. If the plan names heads, only their rows
// and the keys of the KV heads they read are written.
struct LayerRecord {
  LayerIndex layer;
  SignalValues values;                                        // of the signals stored as f32
  SignalCodes codes;                                          // of those stored as log₂ codes
  std::vector<std::vector<std::uint16_t>> map_mean, map_max;  // per level [query_heads, n, n] log₂ codes
  std::vector<std::uint16_t> query, key;                      // bf16 bits [query_heads, N, d], [kv_heads, N, d]
};

// Known before a run is decoded; written when the trace is created.
struct RunHeader {
  std::string method, label, parameters /* JSON */, budget /* as given */, granularity /* kv-head | query-head */;
  double budget_nominal = 0;   // tokens per head
  std::uint32_t heads = 0;     // stored heads per layer: kv_heads or query_heads
  bool is_full = false;        // run 000: no kl, retained, oracle
  std::uint32_t attended = 0;  // K: most attended keys per generated token, layer and query head; 0: not recorded
  bool merges = false;         // evicted tokens go into kept ones
  std::uint32_t every = 0;     // generated tokens after which the run decides again; 0: at the end of the prompt only
};

// Decoding steps that a writer takes at a time of a run that is still decoding (Writer::appendSteps).
inline constexpr std::uint32_t kStepBlock = 64;

inline constexpr TokenIndex kNoToken = UINT32_MAX;  // pads lists of attended keys where fewer are visible

struct Eviction {
  std::uint32_t step = 0, layer = 0, head = 0, position = 0;
};

// Rows of kStepBlock decoding steps (or a multiple) of a run that is still decoding; each like the member of RunRecord
// that they come before.
struct StepBlock {
  std::vector<float> retained, oracle;
  std::vector<TokenIndex> attended;
  std::vector<float> attended_mass;
  std::vector<Eviction> evicted;  // any number
};

// The rest of a run, written once known.
struct RunRecord {
  double budget_realised = 0;  // tokens per head, mean
  std::uint64_t cache_bytes = 0;
  double seconds = 0;
  std::vector<std::uint32_t> capacity;      // [layers, heads]
  std::vector<std::uint64_t> kept_offsets;  // [layers*heads+1]
  std::vector<TokenIndex> kept_positions;   // ascending per head; if everything is kept, one list [N] for all
  std::vector<TokenId> decode_ids;          // [T]
  std::string decode_text;                  // UTF-8
  std::vector<float> kl;                    // [T] nats; NaN where the full cache had stopped
  std::vector<Eviction> evicted;            // [E]
  std::vector<std::uint64_t> step_bytes;    // [T] bytes held at each step; empty where every is 0
  // Where a run that merges put what it evicted, kNoToken where it was lost: of the prompt, for each position that a
  // list does not keep, list after list, ascending; and of each entry of `evicted`. Either is empty if none was merged.
  std::vector<TokenIndex> merged_into, evicted_into;
  std::vector<float> retained, oracle;        // [T, layers, query_heads]
  std::vector<std::uint64_t> decode_offsets;  // [T+1] byte range of each token in decode_text; empty: not recorded
  // [T, layers, query_heads, K] as in AttendedLayer. Written with the run; read by layer (Reader::attended).
  std::vector<TokenIndex> attended;
  std::vector<float> attended_mass;
  // [Q, layers, query_heads, K] of the question's tokens, with the run too (Reader::questionAttended).
  std::vector<TokenIndex> question_attended;
  std::vector<float> question_attended_mass;
  bool everything = false;  // every head keeps all N tokens of the prompt
  // Positions of stored head `row` = layer · heads + head; empty if the record was read without them.
  [[nodiscard]] std::span<const TokenIndex> kept(std::size_t row) const {
    return keptList(kept_offsets, kept_positions, everything, row);
  }
  [[nodiscard]] std::uint64_t keptTokens() const { return kept_offsets.empty() ? 0 : kept_offsets.back(); }
};

// The keys with the most mass in a run's own attention as it chooses each generated token, in one layer: by descending
// mass, ties by position. Prompt tokens have their original positions, generated ones follow them.
struct AttendedLayer {
  std::uint32_t query_heads = 0, per_head = 0;  // per_head: K
  std::vector<TokenIndex>
      positions;            // [steps (or question tokens), query_heads, K]; kNoToken where there is no such key
  std::vector<float> mass;  // [steps, query_heads, K]; 0 there
  [[nodiscard]] std::size_t steps() const {
    const std::size_t row = std::size_t{query_heads} * per_head;
    return row == 0 ? 0 : positions.size() / row;
  }
  [[nodiscard]] std::size_t at(std::size_t step, std::size_t head) const {
    return (step * query_heads + head) * per_head;
  }
};

struct TraceHeader {
  std::string generator, created /* ISO 8601 */;
  ModelInfo model;
  Prompt prompt;
  AttentionPlan attention;
  std::vector<RunHeader> runs;
};

}  // namespace kvatlas::trace
