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

struct Outputs {
  std::recursive_mutex mutex;
  std::vector<ClaimedFile*> unfinished;
  std::string complete;  // the last one
  std::vector<AbandonOutputs> others;
};

Outputs& outputs() {
  static Outputs all;
  return all;
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

void alsoAbandon(AbandonOutputs other) {
  const std::lock_guard lock(outputs().mutex);
  if (std::ranges::find(outputs().others, other) == outputs().others.end()) outputs().others.push_back(other);
}

const char* abandonOutputs() {
  outputs().mutex.lock();  // never unlocked
  for (ClaimedFile* file : outputs().unfinished) file->remove();
  for (const AbandonOutputs other : outputs().others)
    if (const std::string complete = other(); !complete.empty()) outputs().complete = complete;
  return outputs().complete.c_str();
}

// A signal that comes while the file appears waits until it is known.
OutputFile::OutputFile(const std::filesystem::path& target) : OutputFile(target, std::unique_lock(outputs().mutex)) {}

OutputFile::OutputFile(const std::filesystem::path& target,
                       const std::unique_lock<std::recursive_mutex>& /*registering*/)
    : m_target(target), m_part(partOf(target), target) {
  outputs().unfinished.push_back(&m_part);
}

OutputFile::~OutputFile() {
  const std::lock_guard lock(outputs().mutex);
  std::erase(outputs().unfinished, &m_part);
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
  {
    // With its final name it is no longer one to delete: the file that it replaced is gone.
    const std::lock_guard lock(outputs().mutex);
    if (const int error = m_part.renameTo(m_target); error != 0) throw Error(systemMessage(m_target.string(), error));
    std::erase(outputs().unfinished, &m_part);
    outputs().complete = m_target.string();
  }
  m_complete = true;
  syncFolderOf(m_target);
}

}  // namespace kvatlas
