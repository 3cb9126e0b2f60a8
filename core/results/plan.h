// The cases of a run and their order, from its settings, and the branches that answer each. No model or
// prompt.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/results/facets.h"

namespace kvatlas::results {

inline constexpr const char* kNeedleTask = "needle";
inline constexpr std::uint64_t kMostCases = 1'000'000;

// One method at one budget; the first is always the full cache.
struct Branch {
  std::string method, label, budget;  // label: unique together with the budget
  friend bool operator==(const Branch&, const Branch&) = default;
};

struct Case {
  std::string id;  // "L1024-D30-number-t2", trials counted from 0
  Facets facets;   // every facet of the plan, in its order
  // Consecutive cases with the same number share a context: they may share its prefill and stay in one shard.
  std::uint64_t context = 0;
};

struct Plan {
  // The values of every facet, in the order of `facets`: the block's cases are their product, the last varying fastest.
  using Block = std::vector<std::vector<FacetValue>>;

  std::string task;
  std::vector<FacetSpec> facets;  // outermost first
  std::vector<Block> blocks;      // in sequence
  std::string case_id;            // "L{length}-D{depth}-{kind}-t{trial}"
  // The first facets identify the context; the rest distinguish its questions.
  std::size_t context_facets = 0;
  std::vector<Branch> branches;

  [[nodiscard]] std::vector<Case> cases() const;

  [[nodiscard]] bool has(std::string_view facet) const;
  [[nodiscard]] const FacetSpec& facet(std::string_view name) const;  // Error: the run has no such facet
  // The values of a facet, each once in case order. Error: no such facet, or another type.
  [[nodiscard]] std::vector<std::uint64_t> wholes(std::string_view name) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  // The first text facet: tables are grouped by it (kind, task, dataset). nullptr: none.
  [[nodiscard]] const FacetSpec* grouping() const;
};

// Parses the values of settings.json. A task's values contain
//   "task": NAME, "facets": [{"name", "type": "whole" | "number" | "text"}, …], "case_id": "{dataset}-{row}",
//   "cases": [{FACET: [value, …], …}, …] and, where questions share a context, "context_facets": a number;
// a needle run's have no "task" but lengths, depths, kinds and trials. Both contain
//   "branches": [{method, label, budget}, …].
// Error naming `where` and the field: missing or duplicate, a name that records use themselves, more than
// kMostCases cases, or a duplicate id.
[[nodiscard]] Plan planOf(const nlohmann::json& values, const std::string& where);
// The same without the branches, from a task's own settings.
[[nodiscard]] Plan planOfTask(const nlohmann::json& values, const std::string& where = "settings");

}  // namespace kvatlas::results
