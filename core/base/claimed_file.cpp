#include "core/base/claimed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/error.h"

namespace kvatlas {
namespace {

constexpr int kMostTries = 1000;  // each lost one means that another process finished its file meanwhile

// Open-file-description locks do not conflict with flock(), and a killed process loses them. File systems without
// locks count as locked by us.
bool lockExclusively(int file) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return ::fcntl(file, F_OFD_SETLK, &range) == 0 || (errno != EAGAIN && errno != EACCES);
}

int renameWithoutReplacing(const char* from, const char* to) {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // Not every file system can do it in one step.
  struct stat existing {};
  if (::lstat(to, &existing) == 0) return EEXIST;
  return std::rename(from, to) == 0 ? 0 : errno;
}

}  // namespace

ClaimedFile::ClaimedFile(std::filesystem::path path, const std::filesystem::path& target) : m_path(std::move(path)) {
  for (int attempt = 0; attempt < kMostTries; ++attempt)
    if (tryOpen(target)) return;
  fail("{}: other processes keep replacing {}", target.string(), m_path.string());
}

// False: the file of that name was renamed or removed between opening and locking it.
bool ClaimedFile::tryOpen(const std::filesystem::path& target) {
  const auto refuse = [&](const std::string& message) {
    if (m_file >= 0) ::close(m_file);
    throw Error(message);
  };
  // O_NONBLOCK: opening a named pipe must not wait.
  m_file = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (m_file < 0) {
    if (errno == ELOOP) fail("{}: {} is a link and in the way", target.string(), m_path.string());
    throw Error(systemMessage(target.string(), errno));
  }
  struct stat status {};
  if (::fstat(m_file, &status) != 0) refuse(systemMessage(target.string(), errno));
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1)
    refuse(fmt::format("{}: {} is in the way and will not be replaced: it is {}", target.string(), m_path.string(),
                       S_ISREG(status.st_mode) ? "a file with several names" : "not a regular file"));
  if (!lockExclusively(m_file)) refuse(fmt::format("{}: another process is writing this file now", target.string()));
  if (isStillThere()) {
    if (::ftruncate(m_file, 0) == 0) return true;
    const int error = errno;
    remove();
    refuse(systemMessage(target.string(), error));
  }
  ::close(m_file);
  return false;
}

ClaimedFile::~ClaimedFile() {
  if (m_file >= 0) ::close(m_file);
}

bool ClaimedFile::isStillThere() const noexcept {
  struct stat ours {
  }, there{};
  return ::fstat(m_file, &ours) == 0 && ::lstat(m_path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

int ClaimedFile::renameTo(const std::filesystem::path& to, Existing existing) {
  if (!isStillThere()) return ENOENT;
  int error = 0;
  if (existing == Existing::Keep)
    error = renameWithoutReplacing(m_path.c_str(), to.c_str());
  else if (std::rename(m_path.c_str(), to.c_str()) != 0)
    error = errno;
  if (error == 0) m_path = to;
  return error;
}

int ClaimedFile::remove() noexcept {
  if (!isStillThere()) return ENOENT;
  return ::unlink(m_path.c_str()) == 0 ? 0 : errno;
}

bool isClaimed(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  const bool ours = lockExclusively(file);
  ::close(file);
  return !ours;
}

}  // namespace kvatlas
