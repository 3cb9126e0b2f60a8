// Writes a folder of results: settings once, then one complete case after the other, each on the disk before the next.
// A run that was stopped goes on where it was. Knows no model.
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

// Holds <folder>/lock while it lives; a process that dies gives it back. Error when another holds it.
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
  // Makes the folder, or continues the run in it: what a stopped run left half written at the end is cut away. Error:
  // another run writes there, other settings or another shard, a folder of something else, damage before the end.
  ResultsWriter(const std::filesystem::path& folder, Settings settings);
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  [[nodiscard]] const Settings& settings() const { return m_settings; }
  // Cases still to be done, in the order they must be appended.
  [[nodiscard]] std::span<const Case> remaining() const { return std::span(m_cases).subspan(m_done); }
  [[nodiscard]] std::size_t casesDone() const { return m_done; }
  [[nodiscard]] const std::string& cutAway() const { return m_cut_away; }  // as CaseStream::torn(); empty: nothing

  // All records of the first remaining case, one per branch in the order of the plan; on the disk when this returns.
  // Error: other records than these, no room; the file then still ends with the case before.
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
