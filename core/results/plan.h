// The cases of a run and their order, as its settings say them, and the branches that answer each. Knows no model and
// no prompt.
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
  Facets facets;   // all of the plan, in its order
  // Neighbours of the same number ask about one context: they may share its prefill and stay in one shard.
  std::uint64_t context = 0;
};

struct Plan {
  // The values of every facet, in the order of `facets`: the block's cases are their product, the last running fastest.
  using Block = std::vector<std::vector<FacetValue>>;

  std::string task;
  std::vector<FacetSpec> facets;  // outermost first
  std::vector<Block> blocks;      // one after the other
  std::string case_id;            // "L{length}-D{depth}-{kind}-t{trial}"
  // The first so many facets name the context; what comes behind them tells its questions apart.
  std::size_t context_facets = 0;
  std::vector<Branch> branches;

  [[nodiscard]] std::vector<Case> cases() const;

  [[nodiscard]] bool has(std::string_view facet) const;
  [[nodiscard]] const FacetSpec& facet(std::string_view name) const;  // Error: the run has no such facet
  // The values of a facet, each once in the order of the cases. Error: no such facet, of another type.
  [[nodiscard]] std::vector<std::uint64_t> wholes(std::string_view name) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  // The first facet of texts: what tables are divided by (kind, task, dataset). nullptr: there is none.
  [[nodiscard]] const FacetSpec* grouping() const;
};

// From the values of settings.json. Those of a task say
//   "task": NAME, "facets": [{"name", "type": "whole" | "number" | "text"}, …], "case_id": "{dataset}-{row}",
//   "cases": [{FACET: [value, …], …}, …] and, where questions share a context, "context_facets": a number;
// those of a needle run have no "task" and say lengths, depths, kinds and trials. Both say
//   "branches": [{method, label, budget}, …].
// Error naming `where` and the field: something missing or twice, a name that a record uses itself, more than
// kMostCases cases, two of one id.
[[nodiscard]] Plan planOf(const nlohmann::json& values, const std::string& where);
// The same without the branches, from what a task says of itself.
[[nodiscard]] Plan planOfTask(const nlohmann::json& values, const std::string& where = "settings");

}  // namespace kvatlas::results
