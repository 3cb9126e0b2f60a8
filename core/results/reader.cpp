#include "core/results/reader.h"

#include <cerrno>
#include <fstream>

#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/results/place.h"

namespace kvatlas::results {
namespace {

// The next line up to its '\n'. False at the end; an unfinished last line sets `torn`.
bool nextLine(std::istream& in, std::string& line, bool& torn, const std::string& where) {
  line.clear();
  torn = false;
  std::streambuf& bytes = *in.rdbuf();
  for (int byte = bytes.sbumpc(); byte != std::char_traits<char>::eof(); byte = bytes.sbumpc()) {
    if (byte == '\n') return true;
    if (line.size() == kMostLineBytes) fail("{}: a line of more than {} bytes", where, kMostLineBytes);
    line.push_back(static_cast<char>(byte));
  }
  torn = !line.empty();
  return false;
}

}  // namespace

struct CaseStream::Impl {
  std::filesystem::path path;
  std::ifstream in;
  std::vector<Case> cases;
  std::vector<FacetSpec> facets;
  std::vector<Branch> branches;
  std::size_t done = 0, lines = 0;
  std::uint64_t bytes = 0;
  std::string torn;

  [[nodiscard]] std::string where() const { return fmt::format("{}:{}", path.string(), lines + 1); }

  // The record must be the one that stands here by the plan: nothing twice, nothing missing, nothing foreign.
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
  // A run that was stopped before its first case has settings only.
  if (!std::filesystem::exists(m_impl->path, code)) return;
  if (!std::filesystem::is_regular_file(m_impl->path, code)) fail("{}: is not a regular file", m_impl->path.string());
  m_impl->in.open(m_impl->path, std::ios::binary);
  if (!m_impl->in) throw Error(systemMessage(m_impl->path.string(), errno != 0 ? errno : EIO));
}

CaseStream::~CaseStream() = default;
CaseStream::CaseStream(CaseStream&&) noexcept = default;

std::vector<Record> CaseStream::next() {
  Impl& s = *m_impl;
  std::vector<Record> records;
  if (!s.in.is_open() || !s.torn.empty()) return records;
  std::uint64_t bytes = 0;
  std::string line;
  for (bool torn = false; records.size() < s.branches.size(); ++s.lines) {
    if (!nextLine(s.in, line, torn, s.where())) {
      if (torn) s.torn = fmt::format("{}: the last line is torn and was passed over", s.where());
      if (!torn && !records.empty())
        s.torn = fmt::format("{}: case {} has {} of {} branches and was passed over", s.path.string(),
                             s.cases[s.done].id, records.size(), s.branches.size());
      return {};
    }
    if (s.done == s.cases.size()) fail("{}: more lines than the {} cases of the settings", s.where(), s.cases.size());
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
  if (known.empty()) failUsage("{}: has no case '{}', it is empty", m_folder.string(), case_id);
  failUsage("{}: has no case '{}'{}", m_folder.string(), case_id, suggestion(case_id, known));
}

}  // namespace kvatlas::results
