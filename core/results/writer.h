// Writes a folder of results: settings once, then one complete case at a time, each on disk before the next.
// Resumes a run that was stopped.
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

// Holds <folder>/lock for its lifetime; released if the process dies. Error if another process holds it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int m_file = -1;
};

class ResultsWriter {
 public:
  // Creates the folder or resumes the run in it: truncates an incomplete case at the end. Error:
  // another run writes there, other settings or shard, not a folder of results, damage before the end.
  ResultsWriter(const std::filesystem::path& folder, Settings settings);
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  [[nodiscard]] const Settings& settings() const { return m_settings; }
  // Remaining cases, in the order in which they must be appended.
  [[nodiscard]] std::span<const Case> remaining() const { return std::span(m_cases).subspan(m_done); }
  [[nodiscard]] std::size_t casesDone() const { return m_done; }
  [[nodiscard]] const std::string& cutAway() const { return m_cut_away; }  // like CaseStream::torn(); empty: nothing

  // All records of the first remaining case, one per branch in plan order; on disk when this returns.
  // Error: other records, or a full disk; the file then still ends with the previous case.
  void append(std::span<const Record> records);

 private:
  void prepareFolder();
  void openResults();
  void checkRecords(std::span<const Record> records) const;

  std::filesystem::path m_folder;
  Settings m_settings;
  std::vector<Case> m_cases;
  std::unique_ptr<FolderLock> m_lock;
  std::size_t m_done = 0;
  std::uint64_t m_bytes = 0;
  std::string m_cut_away;
  int m_file = -1;
};

}  // namespace kvatlas::results
