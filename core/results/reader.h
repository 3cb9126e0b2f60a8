// Reads a folder of results case by case: settings, then complete cases in order; skips and reports an incomplete
// end. Never writes.
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

// Reads line by line, each at most kMostLineBytes long, so that a file of any size needs the memory of one case.
class CaseStream {
 public:
  CaseStream(const std::filesystem::path& folder, const Settings& settings);
  ~CaseStream();
  CaseStream(CaseStream&&) noexcept;

  // The records of the next case, one per branch of the plan; empty at the end. Error naming file, line and field for
  // an unexpected record.
  [[nodiscard]] std::vector<Record> next();

  [[nodiscard]] std::size_t casesRead() const;
  [[nodiscard]] std::uint64_t bytesRead() const;  // in complete cases, from the beginning
  // After the end: a sentence on what was skipped; empty if the file ends with a complete case.
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
  // Warnings for the user: an incomplete end, missing cases. Empty for a finished run.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return m_warnings; }
  // The records of one case, one per branch, the full cache first; input of a replay. UsageError names similar ids.
  [[nodiscard]] std::span<const Record> find(const std::string& case_id) const;

 private:
  std::filesystem::path m_folder;
  Settings m_settings;
  std::vector<Record> m_records;
  std::size_t m_cases_done = 0, m_cases_planned = 0;
  std::vector<std::string> m_warnings;
};

}  // namespace kvatlas::results
