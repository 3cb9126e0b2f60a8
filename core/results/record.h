// One line of results.jsonl: what one branch answered to one prompt. Knows JSON, no folder and no model.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/results/facets.h"

namespace kvatlas::results {

struct Record {
  std::string case_id;  // "L1024-D30-number-t2"
  std::string prompt_sha256;
  Facets facets;             // of the case
  std::uint64_t tokens = 0;  // of the prompt
  std::string method, label;
  std::string budget;  // as given; "full" for full
  double budget_nominal = 0;
  double kept = 0;  // tokens per head, mean over all heads of what was really kept
  std::string question, expected, answer;
  std::vector<std::string> also_right;        // further right answers
  std::map<std::string, FacetValue> details;  // what else the task measured of this prompt, by name
  double score = 0;                           // 0 … 1, the score the run was asked for
  std::map<std::string, double> scores;       // every score by name, 0 … 1
  double prefill_seconds = 0, seconds = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

// One line without its end. Keys in a fixed order, the facets beside the record's own fields: `length` before `tokens`,
// behind them the other numbers, then the texts. Numbers as short as they read back exactly, bytes that are no UTF-8
// replaced by U+FFFD; also_right and details only where there are some. Error: a number that is not finite, a line
// beyond kMostLineBytes.
[[nodiscard]] std::string printRecord(const Record& record);

// `facets` are the plan's, `where` names the line in errors: "results/results.jsonl:12". Error: not JSON, a field
// missing, of another type or out of range. Unknown fields are passed over: a later version may write more.
[[nodiscard]] Record parseRecord(std::string_view line, std::span<const FacetSpec> facets, const std::string& where);

// Whether a record has a field of its own of this name, so that no facet can have it.
[[nodiscard]] bool isRecordField(std::string_view name);

// The record with both times 0: what two runs of the same settings have in common, bit for bit.
[[nodiscard]] Record withoutTimes(Record record);

inline constexpr std::size_t kMostLineBytes = std::size_t{1} << 20;

}  // namespace kvatlas::results
