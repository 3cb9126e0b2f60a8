#include "core/results/reader.h"

#include <optional>

#include "core/base/error.h"
#include "core/base/line_reader.h"
#include "core/base/suggest.h"
#include "core/results/place.h"

namespace kvatlas::results {

struct CaseStream::Impl {
  std::filesystem::path path;
  std::optional<LineReader> lines;
  std::vector<Case> cases;
  std::vector<FacetSpec> facets;
  std::vector<Branch> branches;
  std::size_t done = 0;
  std::uint64_t bytes = 0;
  std::string torn;

  [[nodiscard]] std::string where() const { return lines->where(); }

  // The record must be the one that the plan has at this place: no duplicate, gap or foreign record.
  void checkPlace(const Record& record, const Case& expected, const Branch& branch) const {
    if (!isOfCase(record, expected))
      fail("{}: field 'case_id': expected case {} here, found {}", where(), expected.id, record.case_id.substr(0, 80));
    if (!isOfBranch(record, branch))
      fail("{}: field 'label': expected branch {}@{} of case {} here, found {}@{}", where(), branch.label,
           branch.budget, expected.id, record.label.substr(0, 80), record.budget.substr(0, 80));
  }
};

CaseStream::CaseStream(const std::filesystem::path& folder, const Settings& settings)
    : m_impl(std::make_unique<Impl>()) {
  m_impl->path = folder / kResultsFile;
  m_impl->cases = settings.cases();
  m_impl->facets = settings.plan().facets;
  m_impl->branches = settings.plan().branches;
  std::error_code code;
  // A run that was stopped before its first case has only settings.
  if (!std::filesystem::exists(m_impl->path, code)) return;
  if (!std::filesystem::is_regular_file(m_impl->path, code)) fail("{}: is not a regular file", m_impl->path.string());
  m_impl->lines.emplace(m_impl->path, kMostLineBytes);
}

CaseStream::~CaseStream() = default;
CaseStream::CaseStream(CaseStream&&) noexcept = default;

std::vector<Record> CaseStream::next() {
  Impl& s = *m_impl;
  std::vector<Record> records;
  if (!s.lines || !s.torn.empty()) return records;
  std::uint64_t bytes = 0;
  std::string line;
  while (records.size() < s.branches.size()) {
    const bool found = s.lines->next(line);
    if (!found || !s.lines->ended()) {
      if (found) s.torn = fmt::format("{}: the last line is incomplete and was skipped", s.where());
      if (!found && !records.empty())
        s.torn = fmt::format("{}: case {} has {} of {} branches and was skipped", s.path.string(), s.cases[s.done].id,
                             records.size(), s.branches.size());
      return {};
    }
    if (s.done == s.cases.size()) fail("{}: more lines than the settings' {} cases", s.where(), s.cases.size());
    Record record = parseRecord(line, s.facets, s.where());
    s.checkPlace(record, s.cases[s.done], s.branches[records.size()]);
    records.push_back(std::move(record));
    bytes += line.size() + 1;
  }
  ++s.done;
  s.bytes += bytes;
  return records;
}

std::size_t CaseStream::casesRead() const {
  return m_impl->done;
}

std::uint64_t CaseStream::bytesRead() const {
  return m_impl->bytes;
}

const std::string& CaseStream::torn() const {
  return m_impl->torn;
}

ResultsReader::ResultsReader(const std::filesystem::path& folder)
    : m_folder(folder), m_settings(readSettings(folder)), m_cases_planned(m_settings.cases().size()) {
  CaseStream stream(folder, m_settings);
  for (auto records = stream.next(); !records.empty(); records = stream.next())
    m_records.insert(m_records.end(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
  m_cases_done = stream.casesRead();
  if (!stream.torn().empty()) m_warnings.push_back(stream.torn());
  if (m_cases_done < m_cases_planned)
    m_warnings.push_back(
        fmt::format("{}: the run is unfinished: {} of {} cases", folder.string(), m_cases_done, m_cases_planned));
}

std::span<const Record> ResultsReader::find(const std::string& case_id) const {
  const std::size_t branches = m_settings.plan().branches.size();
  std::vector<std::string> known;
  for (std::size_t i = 0; i < m_records.size(); i += branches) {
    if (m_records[i].case_id == case_id) return std::span(m_records).subspan(i, branches);
    if (known.size() < 8) known.push_back(m_records[i].case_id);
  }
  if (known.empty()) failUsage("{}: has no case '{}', it contains none", m_folder.string(), case_id);
  failUsage("{}: has no case '{}'{}", m_folder.string(), case_id, suggestion(case_id, known));
}

}  // namespace kvatlas::results
