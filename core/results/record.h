// One line of results.jsonl: what one branch answered to one prompt. Knows JSON, no folder and no model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace kvatlas::results {

struct NeedleRecord {
  std::string case_id;  // "L1024-D30-number-t2"
  std::string prompt_sha256;
  std::uint64_t length = 0;  // tokens asked for
  std::uint64_t tokens = 0;  // tokens of the real prompt
  double depth = 0;          // percent
  std::uint32_t trial = 0;
  std::string kind;
  std::string method, label;
  std::string budget;  // as given; "full" for full
  double budget_nominal = 0;
  double kept = 0;  // tokens per head, mean over all heads of what was really kept
  std::string question, expected, answer;
  double score = 0;                      // 0 … 1, the score the run was asked for
  std::map<std::string, double> scores;  // every score by name, 0 … 1
  double prefill_seconds = 0, seconds = 0;

  friend bool operator==(const NeedleRecord&, const NeedleRecord&) = default;
};

// One line without its end. Keys in a fixed order, numbers as short as they read back exactly, bytes that are no UTF-8
// replaced by U+FFFD. Error: a number that is not finite, a line beyond kMostLineBytes.
[[nodiscard]] std::string printRecord(const NeedleRecord& record);

// `where` names the line in errors: "results/results.jsonl:12". Error: not JSON, a field missing, of another type or
// out of range. Unknown fields are passed over: a later version may write more.
[[nodiscard]] NeedleRecord parseRecord(std::string_view line, const std::string& where);

// The record with both times 0: what two runs of the same settings have in common, bit for bit.
[[nodiscard]] NeedleRecord withoutTimes(NeedleRecord record);

inline constexpr std::size_t kMostLineBytes = std::size_t{1} << 20;

}  // namespace kvatlas::results
