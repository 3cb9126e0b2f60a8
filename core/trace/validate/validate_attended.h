// Checks the attended keys recorded for a run's generated tokens; part of validate(). No HDF5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/trace/records.h"
#include "core/trace/validate/validate_evicted.h"

namespace kvatlas::trace {

class AttendedCheck {
 public:
  // One run, including its lists of kept positions. All arguments must outlive the checker.
  AttendedCheck(const TraceHeader& header, const RunHeader& run, const RunRecord& record, double tolerance)
      : m_header(header), m_run(run), m_record(record), m_evictions(record), m_tolerance(tolerance) {}

  // The first impossible entry: a future key, one outside the sliding window, evicted before or listed twice; a mass
  // outside 0 … 1 or out of order. Empty if there is none.
  [[nodiscard]] std::optional<std::string> check(LayerIndex layer, const AttendedLayer& attended) const;
  // The same of the tokens of the question.
  [[nodiscard]] std::optional<std::string> checkQuestion(LayerIndex layer, const AttendedLayer& attended) const;

 private:
  struct Row;
  // `first_keys`: what the first row sees where nothing is evicted; each later row one more.
  [[nodiscard]] std::optional<std::string> checkRows(LayerIndex layer, const AttendedLayer& attended,
                                                     std::uint64_t first_keys) const;
  [[nodiscard]] std::string problemOf(const Row& row) const;
  [[nodiscard]] std::string positionProblem(const Row& row, TokenIndex position) const;
  [[nodiscard]] bool evictedBefore(const Row& row, TokenIndex position) const;

  const TraceHeader& m_header;
  const RunHeader& m_run;
  const RunRecord& m_record;
  EvictionTimes m_evictions;
  double m_tolerance;
};

}  // namespace kvatlas::trace
