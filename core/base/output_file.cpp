#include "core/base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "core/base/error.h"

namespace kvatlas {
namespace {

constexpr std::size_t kBuffered = std::size_t{1} << 18;

struct Unfinished {
  std::mutex mutex;
  std::vector<ClaimedFile*> files;
};

Unfinished& unfinished() {
  static Unfinished all;
  return all;
}

void forget(ClaimedFile& file) {
  const std::lock_guard lock(unfinished().mutex);
  std::erase(unfinished().files, &file);
}

std::filesystem::path partOf(const std::filesystem::path& target) {
  requireReplaceable(target);
  return target.string() + ".part";
}

}  // namespace

void requireReplaceable(const std::filesystem::path& target) {
  std::error_code code;
  const auto existing = std::filesystem::symlink_status(target, code);
  if (std::filesystem::exists(existing) && !std::filesystem::is_regular_file(existing))
    fail("{}: is not a regular file and will not be replaced", target.string());
}

void syncFolderOf(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;  // a folder that is writable but not readable cannot be synced
  ::fsync(opened);
  ::close(opened);
}

void removeUnfinishedOutputs() {
  const std::lock_guard lock(unfinished().mutex);
  for (ClaimedFile* file : unfinished().files) file->remove();
}

// A signal that comes while the file appears waits until it is known.
OutputFile::OutputFile(const std::filesystem::path& target)
    : OutputFile(target, std::unique_lock(unfinished().mutex)) {}

OutputFile::OutputFile(const std::filesystem::path& target, const std::unique_lock<std::mutex>& /*registering*/)
    : m_target(target), m_part(partOf(target), target) {
  unfinished().files.push_back(&m_part);
}

OutputFile::~OutputFile() {
  forget(m_part);
  if (!m_complete) m_part.remove();
}

void OutputFile::write(std::string_view bytes) {
  m_buffer += bytes;
  if (m_buffer.size() >= kBuffered) flush();
}

void OutputFile::flush() {
  for (std::size_t done = 0; done < m_buffer.size();) {
    const ssize_t written = ::write(m_part.descriptor(), m_buffer.data() + done, m_buffer.size() - done);
    if (written < 0 && errno != EINTR) throw Error(systemMessage(m_target.string(), errno));
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  m_buffer.clear();
}

void OutputFile::sync() {
  flush();
  if (::fsync(m_part.descriptor()) != 0) throw Error(systemMessage(m_target.string(), errno));
  m_synced = true;
}

void OutputFile::complete() {
  if (!m_synced) sync();
  if (const int error = m_part.renameTo(m_target); error != 0) throw Error(systemMessage(m_target.string(), error));
  m_complete = true;
  syncFolderOf(m_target);
}

}  // namespace kvatlas
