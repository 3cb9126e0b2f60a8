#include "core/results/writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/results/place.h"
#include "core/results/reader.h"

namespace kvatlas::results {
namespace {

namespace fs = std::filesystem;

void syncFolder(const fs::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;  // a folder that may be written but not read cannot be synced
  ::fsync(file);
  ::close(file);
}

int writeAll(int file, std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

// Whether there is nothing in the folder but what a run killed before its settings.json was complete leaves.
bool isFresh(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != kLockFile && name != std::string(kSettingsFile) + ".part") return false;
  }
  return true;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / kLockFile;
  m_file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (m_file < 0) throw Error(systemMessage(path.string(), errno));
  if (::flock(m_file, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(m_file);
  if (error == EWOULDBLOCK) fail("{}: another run is writing its results here now", folder.string());
  throw Error(systemMessage(path.string(), error));
}

FolderLock::~FolderLock() {
  ::close(m_file);
}

ResultsWriter::ResultsWriter(const fs::path& folder, Settings settings)
    : m_folder(folder), m_settings(std::move(settings)), m_cases(m_settings.cases()) {
  std::error_code code;
  if (fs::exists(folder, code) && !fs::is_directory(folder, code))
    fail("{}: is a file; results go into a folder", folder.string());
  fs::create_directories(folder, code);
  if (code) throw Error(systemMessage(folder.string(), code.value()));
  const bool begun = fs::exists(folder / kSettingsFile, code);
  if (!begun && !isFresh(folder))
    fail("{}: is not empty and holds no {}: not a folder of results", folder.string(), kSettingsFile);
  m_lock = std::make_unique<FolderLock>(folder);
  prepareFolder();
  openResults();
}

ResultsWriter::~ResultsWriter() {
  if (m_file >= 0) ::close(m_file);
}

void ResultsWriter::prepareFolder() {
  std::error_code code;
  if (!fs::exists(m_folder / kSettingsFile, code)) {
    writeFileAtomically(m_folder / kSettingsFile, m_settings.print());
    syncFolder(m_folder);
    return;
  }
  const Settings there = readSettings(m_folder);
  if (const std::string difference = differenceOf(there, m_settings); !difference.empty())
    fail("{}: holds a run of other settings ({}); choose another folder", m_folder.string(), difference);
  if (there.shard() != m_settings.shard())
    fail("{}: holds shard {} of {}, not {} of {}; choose another folder", m_folder.string(), there.shard().index,
         there.shard().count, m_settings.shard().index, m_settings.shard().count);
}

void ResultsWriter::openResults() {
  CaseStream stream(m_folder, m_settings);
  while (!stream.next().empty()) {
  }
  m_done = stream.casesRead();
  m_bytes = stream.bytesRead();
  m_cut_away = stream.torn();
  const fs::path path = m_folder / kResultsFile;
  m_file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (m_file < 0) throw Error(systemMessage(path.string(), errno));
  if (::ftruncate(m_file, static_cast<off_t>(m_bytes)) != 0 || ::fsync(m_file) != 0) {
    const int error = errno;
    ::close(m_file);
    throw Error(systemMessage(path.string(), error));
  }
  syncFolder(m_folder);
}

void ResultsWriter::checkRecords(std::span<const Record> records) const {
  const std::vector<Branch>& branches = m_settings.plan().branches;
  if (m_done == m_cases.size()) fail("{}: all {} cases are written already", m_folder.string(), m_cases.size());
  const Case& expected = m_cases[m_done];
  if (records.size() != branches.size())
    fail("case {}: {} records for {} branches", expected.id, records.size(), branches.size());
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const Record& record = records[i];
    if (!isOfCase(record, expected) || !isOfBranch(record, branches[i]))
      fail("case {}: record {} is of {} {}@{}, expected {}@{}", expected.id, i, record.case_id, record.label,
           record.budget, branches[i].label, branches[i].budget);
  }
}

void ResultsWriter::append(std::span<const Record> records) {
  checkRecords(records);
  std::string lines;
  for (const Record& record : records) {
    const std::string line = printRecord(record);
    // Never write what is refused.
    (void)parseRecord(line, m_settings.plan().facets, fmt::format("case {} of {}", record.case_id, record.label));
    lines += line;
    lines += '\n';
  }
  if (const int error = writeAll(m_file, lines); error != 0) {
    // The next run would cut it away as well; a reader of now need not see it.
    [[maybe_unused]] const int ignored = ::ftruncate(m_file, static_cast<off_t>(m_bytes));
    throw Error(systemMessage((m_folder / kResultsFile).string(), error));
  }
  m_bytes += lines.size();
  ++m_done;
}

}  // namespace kvatlas::results
