// The parts that methods are composed of, one row and one file each: how tokens are scored, how many each head keeps,
// which these are, and in what form they are stored. A part knows no other part.
#pragma once

#include <memory>

#include "core/policy/policy.h"
#include "core/policy/stored_form.h"

namespace kvatlas::policy {

// Method has the meaning of the members of the same name.
struct ScorePart {
  std::string_view name, meaning;
  SignalSet needs;
  std::span<const ParameterSpec> parameters;
  LayerScores (*score)(const Setting&, LayerIndex, const LayerSignals&) = nullptr;  // null: there is no score
  void (*finish)(const Setting&, LayerScores&) = nullptr;
};

struct AllocatePart {
  std::string_view name, meaning;
  SignalSet needs;
  std::span<const ParameterSpec> parameters;
  std::vector<std::uint32_t> (*allocate)(const Setting&, std::span<const LayerScores>) = nullptr;
  bool reads_scores = false;
  std::vector<double> (*facts)(const Setting&, LayerIndex, const LayerSignals&) = nullptr;
  void (*check)(const Setting&) = nullptr;
};

struct SelectPart {
  std::string_view name, meaning;
  std::span<const ParameterSpec> parameters;
  std::vector<TokenIndex> (*select)(const Setting&, LayerIndex, std::span<const float> head_scores,
                                    std::uint32_t capacity) = nullptr;
  std::uint32_t (*recent)(const Setting&) = nullptr;
  void (*reshape)(const Setting&, LayerIndex, LayerScores&) = nullptr;
  bool reads_scores = true, by_rank = false, reads_budget = false;
  bool reads_pages = false;  // null `select`: nothing is evicted
  void (*check)(const Setting&) = nullptr;
  Reason (*reason)(const Setting&, TokenIndex) = nullptr;
};

struct StorePart {
  std::string_view name, meaning, cost;
  std::span<const ParameterSpec> parameters;
  std::unique_ptr<StoredForm> (*form)(const Setting&, const FormShape&) = nullptr;  // null: entries as they are
  bool reads_queries = false;                                                       // FormShape::query_squares
  bool decides_once = false;                                                        // cannot be used with every=
};

// The tables, in the order of their .def files.
[[nodiscard]] std::span<const ScorePart> scoreParts();
[[nodiscard]] std::span<const AllocatePart> allocateParts();
[[nodiscard]] std::span<const SelectPart> selectParts();
[[nodiscard]] std::span<const StorePart> storeParts();

// Scores times something of each token's value.
struct ValuesPart {
  std::string_view name, meaning;
  SignalSet needs;
  std::span<const ParameterSpec> parameters;
  void (*weigh)(const Setting&, const LayerSignals&, LayerScores&) = nullptr;
  bool reads_budget = false;
};
[[nodiscard]] std::span<const ValuesPart> valuesParts();

// A parameter whose values a named method sets.
struct ParameterDefault {
  std::string_view parameter, value, paper_value, kvpress_value;
};

// A published method as a composition: a row of presets.def.
struct NamedMethod {
  std::string_view name, title, paper;
  std::string_view keeps;   // "the tokens that …"
  std::string_view equals;  // the published code that a preset equals
  PartNames parts;
  std::span<const ParameterDefault> defaults;
  bool keeps_everything = false;
};
[[nodiscard]] std::span<const NamedMethod> namedMethods();

}  // namespace kvatlas::policy
