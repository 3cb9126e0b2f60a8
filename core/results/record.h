// One line of results.jsonl: the answer of one branch to one prompt.
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
  double kept = 0;  // tokens per head, mean over all heads of the tokens actually kept
  std::string question, expected, answer;
  std::vector<std::string> also_right;        // further right answers
  std::map<std::string, FacetValue> details;  // further measurements of the task on this prompt, by name
  double score = 0;                           // 0 … 1, the run's main score
  std::map<std::string, double> scores;       // every score by name, 0 … 1
  double prefill_seconds = 0, seconds = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

// One line without line end. Keys in a fixed order, facets beside the record's own fields: `length` before `tokens`,
// after them the other numbers, then the texts. Numbers in the shortest exact form; invalid UTF-8 is replaced
// by U+FFFD; also_right and details only if not empty. Error: a number that is not finite, or a line
// longer than kMostLineBytes.
[[nodiscard]] std::string printRecord(const Record& record);

// `facets` are the plan's; `where` names the line in errors: "results/results.jsonl:12". Error: not JSON, a field
// missing, of another type or out of range. Ignores unknown fields, which a later version may write.
[[nodiscard]] Record parseRecord(std::string_view line, std::span<const FacetSpec> facets, const std::string& where);

// Whether a record has its own field of this name, so that no facet may use it.
[[nodiscard]] bool isRecordField(std::string_view name);

// The record with both times 0, which is bit-equal between runs of the same settings.
[[nodiscard]] Record withoutTimes(Record record);

inline constexpr std::size_t kMostLineBytes = std::size_t{1} << 20;

}  // namespace kvatlas::results
