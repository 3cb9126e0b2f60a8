// Reads a folder of results case by case: settings, then complete cases in their order; a torn end is passed over and
// reported. Knows no model; never writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/results/record.h"
#include "core/results/settings.h"

namespace kvatlas::results {

// One line after the other, each at most kMostLineBytes long: a file of any size costs the memory of one case.
class CaseStream {
 public:
  CaseStream(const std::filesystem::path& folder, const Settings& settings);
  ~CaseStream();
  CaseStream(CaseStream&&) noexcept;

  // The records of the next case, one per branch of the plan; empty at the end. Error naming file, line and field for
  // anything that is not the record expected there.
  [[nodiscard]] std::vector<Record> next();

  [[nodiscard]] std::size_t casesRead() const;
  [[nodiscard]] std::uint64_t bytesRead() const;  // of complete cases, from the beginning
  // After the end: what was passed over, as a sentence; empty when the file ends with a complete case.
  [[nodiscard]] const std::string& torn() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

class ResultsReader {
 public:
  explicit ResultsReader(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }
  [[nodiscard]] const Settings& settings() const { return m_settings; }
  [[nodiscard]] const std::vector<Record>& records() const { return m_records; }
  [[nodiscard]] std::size_t casesDone() const { return m_cases_done; }
  [[nodiscard]] std::size_t casesPlanned() const { return m_cases_planned; }  // of this shard
  // What a person should know: a torn end, cases still missing. Empty for a finished run.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return m_warnings; }
  // The records of one case, one per branch, the full cache first; what a replay needs. UsageError naming near ones.
  [[nodiscard]] std::span<const Record> find(const std::string& case_id) const;

 private:
  std::filesystem::path m_folder;
  Settings m_settings;
  std::vector<Record> m_records;
  std::size_t m_cases_done = 0, m_cases_planned = 0;
  std::vector<std::string> m_warnings;
};

}  // namespace kvatlas::results
