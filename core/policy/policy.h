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

enum class Granularity { KvHead, QueryHead };  // which heads hold a token list of their own
enum class Preset { Exact, Paper };            // Paper: the published arithmetic, see docs of each method

struct Shape {
  std::uint32_t layers = 0, query_heads = 0, kv_heads = 0;
  std::uint32_t tokens = 0;  // N
};

// "128", "20%" or "full": tokens per stored head, averaged over all heads of all layers, window included.
struct Budget {
  std::string text;         // as given
  double percent = -1;      // ≥ 0 where given in percent
  std::uint64_t count = 0;  // where given in tokens
  bool full = false;
  [[nodiscard]] std::uint64_t tokensFor(std::uint32_t prompt_tokens) const;  // percent rounded half up; full → N
};
[[nodiscard]] Budget parseBudget(std::string_view text);  // UsageError: 0, negative, not a number, above 100 %

enum class ParameterKind : std::uint8_t { Choice, Integer, OddInteger, Number };

struct ParameterSpec {
  std::string_view name, values /* "max|avg|none", "an odd number from 1 to 999", … */, default_value, paper_value,
      meaning;
  ParameterKind kind = ParameterKind::Choice;
  double lowest = 0, highest = 0;  // inclusive; for a Choice `values` lists what may be given, separated by '|'
  bool changes_score = true;       // false: only `allocate` or `select` reads it
};

// Everything a method is asked with: one method, one budget, one prompt.
struct Setting {
  Shape shape;
  Granularity granularity = Granularity::KvHead;
  Preset preset = Preset::Exact;
  std::uint32_t window = 8;                                    // W, the observation window that is always kept
  std::uint64_t budget = 0;                                    // C, tokens per head
  std::map<std::string, std::string, std::less<>> parameters;  // complete and checked: defaults filled in
  [[nodiscard]] std::uint32_t heads() const {
    return granularity == Granularity::KvHead ? shape.kv_heads : shape.query_heads;
  }
  [[nodiscard]] std::uint32_t groupSize() const { return shape.query_heads / shape.kv_heads; }
};

// Scores of one layer: [heads, candidates], higher is kept first. candidates = N − W (or N for methods without window);
// no values for methods that look at no score.
struct LayerScores {
  std::uint32_t heads = 0, candidates = 0;
  std::vector<float> values;
  [[nodiscard]] std::span<const float> head(std::uint32_t h) const {
    return std::span(values).subspan(std::size_t{h} * candidates, candidates);
  }
};

enum class Reason : std::uint8_t { Evicted, Sink, Window, Score, Everything };

struct Method {
  std::string_view name, title, paper;  // "snapkv", "SnapKV", "arXiv:2404.14469"
  SignalSet needs;                      // the signals the score reads; window_rows are those of the setting's window
  std::span<const ParameterSpec> parameters;
  // Null: neither `allocate` nor `select` reads scores. Only what `needs` names is there.
  LayerScores (*score)(const Setting&, LayerIndex, const LayerSignals&) = nullptr;
  // The same for rows with the same `score`; empty: no other row has it.
  std::string_view score_name;
  // [layers * heads] tokens kept at the end of the prompt, window included.
  std::vector<std::uint32_t> (*allocate)(const Setting&, std::span<const LayerScores>);
  // Ascending positions one head keeps; `capacity` many.
  std::vector<TokenIndex> (*select)(const Setting&, LayerIndex, std::span<const float> head_scores,
                                    std::uint32_t capacity);
  // Unless set, `allocate` is given no scores, and a layer is scored only when its heads select.
  bool allocate_reads_scores = false;
  // `select` keeps the window and the best scores, ties lowest: an order of the scores is all it needs.
  bool selects_by_rank = false;
  bool keeps_everything = false;                           // whatever the budget
  void (*check)(const Setting&) = nullptr;                 // UsageError where a budget below N cannot be spent
  Reason (*reason)(const Setting&, TokenIndex) = nullptr;  // why a kept position is kept; null: Window or Score
};

// The outcome for a whole prompt: data, as it goes into the trace.
struct Decision {
  std::uint32_t layers = 0, heads = 0;
  std::vector<std::uint32_t> capacity;  // [layers, heads]
  std::vector<std::uint64_t> offsets;   // [layers*heads + 1]
  std::vector<TokenIndex> positions;    // ascending per head; where everything is kept, the one list [N] of all heads
  bool everything = false;              // every head keeps all N tokens
  [[nodiscard]] std::span<const TokenIndex> kept(LayerIndex layer, std::uint32_t head) const;
  [[nodiscard]] std::uint64_t keptTokens() const { return offsets.empty() ? 0 : offsets.back(); }  // over all heads
  [[nodiscard]] double meanKept() const;                                                           // budget_realised
};

// The table, `full` first; the order is the order of colours and legends.
[[nodiscard]] std::span<const Method> methods();
[[nodiscard]] const Method& findMethod(std::string_view name);  // UsageError with the nearest names

// "snapkv:kernel=5,pooling=avg" → method and complete parameters; UsageError names what is unknown or out of range.
struct MethodRequest {
  const Method* method = nullptr;
  std::map<std::string, std::string, std::less<>> given;
};
[[nodiscard]] MethodRequest parseMethod(std::string_view text);

// Fills defaults (or paper values), resolves the budget, checks it: UsageError for a budget not above the window (in
// percent: unless it is the whole prompt). `full` takes any budget and sets it to N.
[[nodiscard]] Setting makeSetting(const MethodRequest& request, const Shape& shape, const Budget& budget,
                                  Granularity granularity, Preset preset, std::uint32_t window);

// score → allocate → select over all layers; the result does not depend on the number of threads. A budget ≥ N keeps
// everything and looks at no signal; a method that needs none may be given no layers. Error: a signal that is missing.
[[nodiscard]] Decision decide(const Method& method, const Setting& setting, std::span<const LayerSignals> layers);
// Every head keeps all N tokens: what decide() answers for a budget ≥ N.
[[nodiscard]] Decision keepEverything(const Setting& setting);
[[nodiscard]] Reason reasonFor(const Method& method, const Setting& setting, TokenIndex position, bool kept);

}  // namespace kvatlas::policy
