// What an eviction method is: score → allocate → select over host arrays; knows no torch, no file, no window.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/signals/signals.h"

namespace kvatlas::policy {

using kvatlas::LayerSignals;

enum class Granularity { KvHead, QueryHead };  // which heads have their own token list
// Paper: the published arithmetic; Kvpress: kvpress's defaults and arithmetic; see docs/methods.md.
enum class Preset { Exact, Paper, Kvpress };

struct Shape {
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0;
  std::uint32_t tokens = 0;  // N
};

// "128", "20%" or "full": tokens per stored head, averaged over all heads of all layers, window included.
struct Budget {
  std::string text;         // as given
  double percent = -1;      // ≥ 0 if given in percent
  std::uint64_t count = 0;  // if given in tokens
  bool full = false;
  [[nodiscard]] std::uint64_t tokensFor(std::uint32_t prompt_tokens) const;  // percent rounded half up; full → N
};
[[nodiscard]] Budget parseBudget(std::string_view text);  // UsageError: 0, negative, not a number, above 100 %

enum class ParameterKind : std::uint8_t { Choice, Integer, OddInteger, Number, Text };

struct ParameterSpec {
  std::string_view name, values /* "max|avg|none", "an odd number from 1 to 999", … */, default_value, paper_value,
      meaning;
  ParameterKind kind = ParameterKind::Choice;
  double lowest = 0, highest = 0;  // inclusive; for a Choice `values` lists the allowed values, separated by '|'
  bool changes_score = true;       // false: only `allocate` or `select` reads it
  bool of_signal = false;          // changes what a signal measures, see signal_parameters.h
  std::string_view kvpress_value;  // empty: as the default
};

// The input of a method: parameters, budget and prompt shape.
struct Setting {
  Shape shape;
  Granularity granularity = Granularity::KvHead;
  Preset preset = Preset::Exact;
  std::uint32_t window = 8;                                    // W, the observation window that is always kept
  std::uint64_t budget = 0;                                    // C, tokens per head
  std::uint32_t recent = 8;                                    // last tokens that are kept without a score
  std::map<std::string, std::string, std::less<>> parameters;  // complete and checked, defaults filled in
  // While decoding: the positions of the columns [heads, tokens], and how many tokens there are so far. Empty: column j
  // is position j of the prompt.
  std::vector<TokenIndex> columns;
  TokenIndex so_far = 0;
  [[nodiscard]] TokenIndex positionOf(std::size_t head, std::size_t column) const {
    return columns.empty() ? static_cast<TokenIndex>(column) : columns[head * shape.tokens + column];
  }
  [[nodiscard]] TokenIndex tokensSoFar() const { return columns.empty() ? shape.tokens : so_far; }
  [[nodiscard]] std::uint32_t heads() const {
    return granularity == Granularity::KvHead ? shape.kv_heads : shape.query_heads;
  }
  [[nodiscard]] std::uint32_t groupSize() const { return shape.query_heads / shape.kv_heads; }
};

// Scores of one layer: [heads, candidates], highest kept first. candidates = N − recent; no values for methods without
// a score.
struct LayerScores {
  std::uint32_t heads = 0, candidates = 0;
  std::vector<float> values;
  std::vector<double> facts;  // what the allocation reads of the layer besides scores
  [[nodiscard]] std::span<const float> head(std::uint32_t h) const {
    return std::span(values).subspan(std::size_t{h} * candidates, candidates);
  }
};

enum class Reason : std::uint8_t { Evicted, Sink, Window, Score, Everything };

// The parts a method is made of, by their names in the tables of core/policy/parts.h.
struct PartNames {
  std::string_view score, values, allocate, select, merge = "off", store = "plain";
};

struct MergePart;
struct StorePart;

// A composition of parts; a published method is one with a name of its own.
struct Method {
  std::string_view name, title, paper;  // "snapkv", "SnapKV", "arXiv:2404.14469"
  PartNames parts;
  SignalSet needs;  // the signals the score reads; window_rows are those of the setting's window
  std::span<const ParameterSpec> parameters;
  // Null: neither `allocate` nor `select` reads scores. Receives only the signals in `needs`.
  LayerScores (*score)(const Setting&, LayerIndex, const LayerSignals&) = nullptr;
  // Equal for rows with the same `score`; empty: no other row shares it.
  std::string_view score_name;
  // [layers * heads] tokens kept at the end of the prompt, window included.
  std::vector<std::uint32_t> (*allocate)(const Setting&, std::span<const LayerScores>);
  // Ascending positions that one head keeps; as many as `capacity`.
  std::vector<TokenIndex> (*select)(const Setting&, LayerIndex, std::span<const float> head_scores,
                                    std::uint32_t capacity);
  std::uint32_t (*recent)(const Setting&) = nullptr;  // Setting::recent; null: the window
  // Multiplies the scores by something of each token's value; null: as they are.
  void (*weigh)(const Setting&, const LayerSignals&, LayerScores&) = nullptr;
  void (*finish)(const Setting&, LayerScores&) = nullptr;  // last step of the score, after that
  // LayerScores::facts, from the signals in `needs`; null: none. Only with allocate_reads_scores.
  std::vector<double> (*facts)(const Setting&, LayerIndex, const LayerSignals&) = nullptr;
  // Changes the scores of all heads of a layer before they are selected from; null: as they are.
  void (*reshape)(const Setting&, LayerIndex, LayerScores&) = nullptr;
  // If false, `allocate` gets no scores, and a layer is scored only when its heads select.
  bool allocate_reads_scores = false;
  // `select` keeps the recent tokens and the best scores, ties lowest: it needs only the order of the scores.
  bool selects_by_rank = false;
  bool score_reads_budget = false;
  bool keeps_everything = false;  // whatever the budget
  // Nothing is evicted: the allocation says how many of its list's tokens each query reads (page_reading.h).
  bool reads_pages = false;
  const MergePart* merge = nullptr;  // what becomes of evicted tokens
  const StorePart* store = nullptr;  // in what form entries are kept
  // UsageError if a budget below N cannot be spent; null: it always can.
  void (*check_allocation)(const Setting&) = nullptr;
  void (*check_selection)(const Setting&) = nullptr;
  Reason (*reason)(const Setting&, TokenIndex) = nullptr;  // why a position is kept; null: Window or Score
};

// The decision for a whole prompt, as stored in the trace.
struct Decision {
  std::uint32_t layers = 0, heads = 0;
  std::vector<std::uint32_t> capacity;  // [layers, heads]
  std::vector<std::uint64_t> offsets;   // [layers*heads + 1]
  std::vector<TokenIndex> positions;    // ascending per head; if everything is kept, one list [N] for all heads
  bool everything = false;              // every head keeps all N tokens
  std::vector<std::uint32_t> reads;     // [layers, heads] tokens that a query reads; empty: all that are held
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::uint32_t head) const;
  [[nodiscard]] std::uint64_t keptTokens() const { return offsets.empty() ? 0 : offsets.back(); }  // over all heads
  [[nodiscard]] double meanKept() const;                                                           // budget_realised
};

using ParameterValues = std::map<std::string, std::string, std::less<>>;

// The named methods in the order of colours and legends, `full` first.
[[nodiscard]] std::span<const Method> methods();
[[nodiscard]] const Method& findMethod(std::string_view name);  // UsageError with the nearest names
// The named method with the parts that `given` replaces: all but the score; stays valid. `bits` alone stores codes.
// UsageError for an unknown part, or parts that do not combine.
[[nodiscard]] const Method& composeMethod(std::string_view name, const ParameterValues& given);

// "snapkv:kernel=5,pooling=avg" → method and given parameters; UsageError names an unknown or out-of-range value.
struct MethodRequest {
  const Method* method = nullptr;
  ParameterValues given;
};
[[nodiscard]] MethodRequest parseMethod(std::string_view text);

// Fills defaults (or paper values), resolves and checks the budget: UsageError if it is not above the window (in
// percent: unless it covers the prompt). `full` accepts any budget and sets it to N.
[[nodiscard]] Setting makeSetting(const MethodRequest& request, const Shape& shape, const Budget& budget,
                                  Granularity granularity, Preset preset, std::uint32_t window);

// score → allocate → select over all layers; the result does not depend on the number of threads. A budget ≥ N keeps
// everything and reads no signal; `layers` may be empty for a method without signals. Error: a missing signal.
[[nodiscard]] Decision decide(const Method& method, const Setting& setting, std::span<const LayerSignals> layers);
// Every head keeps all N tokens: the result of decide() for a budget ≥ N.
[[nodiscard]] Decision keepEverything(const Setting& setting);
[[nodiscard]] Reason reasonFor(const Method& method, const Setting& setting, TokenIndex position, bool kept);

}  // namespace kvatlas::policy
