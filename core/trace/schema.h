// Every name of the trace format and the shape of every dataset, shared by writer, reader and the size estimate;
// documented in FORMAT.md. No HDF5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::trace::schema {

inline constexpr char kFormat[] = "kvatlas-trace";
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr char kRecording[] = "recording";
inline constexpr char kComplete[] = "complete";

// Limits far above real traces; the reader refuses a file beyond them before allocating.
inline constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 31;
inline constexpr std::uint32_t kMaxLayers = 10'000, kMaxHeads = 65'536, kMaxHeadDim = 65'536, kMaxRuns = 512;
inline constexpr std::uint32_t kMaxMapLevels = 32, kMaxMapSize = 32'768;
inline constexpr std::uint32_t kMaxAttended = 256, kMaxExperts = 4096;
inline constexpr std::size_t kMaxName = 1000;        // bytes of any name: a model's, a run's, a span's
inline constexpr std::size_t kMaxParameters = 8000;  // bytes of a run's parameters
inline constexpr std::uint64_t kMaxSpans = 10'000;
inline constexpr std::uint64_t kMaxTextPerToken = 4096;  // bytes of the prompt's or the generated text per token
inline constexpr std::uint64_t kMaxNotes = std::uint64_t{1} << 26;
inline constexpr std::uint64_t kMaxExpanded = std::uint64_t{1} << 28;  // bytes read at once from compressed data
inline constexpr int kMaxJsonDepth = 64;

namespace attribute {
inline constexpr char kFormat[] = "format", kFormatVersion[] = "format_version", kGenerator[] = "generator",
                      kCreated[] = "created", kStatus[] = "status";
inline constexpr char kName[] = "name", kArchitecture[] = "architecture", kLayers[] = "layers",
                      kQueryHeads[] = "query_heads", kKvHeads[] = "kv_heads", kHeadDim[] = "head_dim",
                      kHiddenSize[] = "hidden_size", kVocabSize[] = "vocab_size", kRopeTheta[] = "rope_theta",
                      kSlidingWindow[] = "sliding_window", kComputeDtype[] = "compute_dtype",
                      kWeightsFingerprint[] = "weights_fingerprint", kExperts[] = "experts",
                      kExpertsPerToken[] = "experts_per_token", kTokenizerIds[] = "tokenizer_ids";
inline constexpr char kWindow[] = "window", kHeads[] = "heads", kCell[] = "cell", kRecorded[] = "recorded",
                      kSignalParameters[] = "signal_parameters", kChat[] = "chat";
inline constexpr char kMethod[] = "method", kLabel[] = "label", kParameters[] = "parameters", kBudget[] = "budget",
                      kBudgetNominal[] = "budget_nominal", kBudgetRealised[] = "budget_realised",
                      kGranularity[] = "granularity", kEvery[] = "every", kMerges[] = "merges",
                      kCacheBytes[] = "cache_bytes", kSeconds[] = "seconds";
}  // namespace attribute

namespace member {
inline constexpr char kModel[] = "model", kPrompt[] = "prompt", kAttention[] = "attention", kRuns[] = "runs",
                      kNotes[] = "notes", kExperts[] = "experts";
inline constexpr char kExpertTokens[] = "tokens", kExpertWeight[] = "weight";  // in /experts
inline constexpr char kIds[] = "ids", kText[] = "text", kOffsets[] = "offsets", kSpans[] = "spans",
                      kSpanNames[] = "span_names", kNextLogits[] = "next_logits", kQuestion[] = "question";
inline constexpr char kQuery[] = "query", kKey[] = "key";  // signals: core/signals/table.def
inline constexpr char kCapacity[] = "capacity", kKeptOffsets[] = "kept/offsets", kKeptPositions[] = "kept/positions",
                      kDecodeIds[] = "decode/ids", kDecodeText[] = "decode/text", kDecodeKl[] = "decode/kl",
                      kDecodeEvicted[] = "decode/evicted", kDecodeBytes[] = "decode/cache_bytes",
                      kDecodeOffsets[] = "decode/offsets", kAttended[] = "decode/attended",
                      kAttendedMass[] = "decode/attended_mass", kQuestionAttended[] = "decode/question_attended",
                      kQuestionAttendedMass[] = "decode/question_attended_mass", kRetained[] = "retained",
                      kOracle[] = "oracle", kMergedInto[] = "merged/into", kEvictedInto[] = "decode/evicted_into";
}  // namespace member

inline constexpr char kKvHeadGranularity[] = "kv-head", kQueryHeadGranularity[] = "query-head";

enum class Type { U8, U16, U32, U64, F32 };
[[nodiscard]] std::size_t sizeOf(Type type);
[[nodiscard]] const char* nameOf(Type type);

// One chunked dataset: its path in the group and its layout in the file.
struct DatasetSpec {
  std::string path;  // within the group: "lse", "map/mean/0"
  Type type = Type::U8;
  std::vector<std::uint64_t> dims;  // dims[0] is the expected length where `grows`
  std::vector<std::uint64_t> chunk;
  bool grows = false;  // unlimited along axis 0, empty at first
  // Columns c > row + diagonal are always zero; chunks entirely there are not written.
  std::optional<std::uint64_t> diagonal;
  std::optional<std::uint64_t> cell;  // attribute of map levels
  std::vector<std::uint32_t> slabs;   // stored indices along axis 0, ascending; empty: all
};

[[nodiscard]] std::string numbered(std::size_t index);                  // "007"
[[nodiscard]] constexpr std::uint64_t mostText(std::uint64_t tokens) {  // bytes
  return kMaxTextPerToken * (tokens + 16);
}

// Cells per side of a map level: ⌈tokens/cell⌉.
[[nodiscard]] std::uint64_t mapSide(std::uint64_t tokens, std::uint64_t cell);
[[nodiscard]] std::string mapPath(bool max, std::size_t level);  // "map/mean/0"

[[nodiscard]] DatasetSpec nextLogits(const ModelInfo& model);
// Of a model with experts.
[[nodiscard]] std::vector<DatasetSpec> expertDatasets(const ModelInfo& model);
// `keep_qk`: with the layer's queries and keys.
[[nodiscard]] std::vector<DatasetSpec> layerDatasets(const TraceHeader& header, bool keep_qk);
[[nodiscard]] bool recordsHead(const AttentionPlan& plan, HeadIndex head);
[[nodiscard]] bool keepsQk(const AttentionPlan& plan, LayerIndex layer);
// `new_tokens`: expected number of generated tokens (only affects chunks and the expected length).
[[nodiscard]] std::vector<DatasetSpec> runDatasets(const TraceHeader& header, const RunHeader& run,
                                                   std::uint64_t new_tokens = 64);

[[nodiscard]] bool stored(const DatasetSpec& spec, std::uint64_t slab);
// Number of stored indices along axis 0.
[[nodiscard]] std::uint64_t slabCount(const DatasetSpec& spec, std::uint64_t length);

// The bytes of a filled dataset: whole chunks, without those above the diagonal.
[[nodiscard]] std::uint64_t storedBytes(const DatasetSpec& spec);

}  // namespace kvatlas::trace::schema
