#include "core/trace/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/trace/part_driver.h"

namespace kvatlas::trace {
namespace {

// Open-file-description locks do not conflict with readers' flock(), and a killed process loses them.
bool lockExclusively(int fd) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return fcntl(fd, F_OFD_SETLK, &range) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool isBeingWritten(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  const bool ours = lockExclusively(fd);
  close(fd);
  return !ours;
}

void syncFolder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // a folder that is writable but not readable cannot be synced; the trace itself is safe
  fsync(fd);
  close(fd);
}

std::filesystem::path withSuffix(const std::filesystem::path& path, const char* suffix) {
  std::filesystem::path result = path;
  result += suffix;
  return result;
}

void checkTarget(const std::filesystem::path& target) {
  std::error_code ignored;
  if (target.empty() || !target.has_filename()) fail("'{}': not a file name for a trace", target.string());
  if (std::filesystem::is_directory(target, ignored)) throw Error(systemMessage(target.string(), EISDIR));
  const auto existing = std::filesystem::symlink_status(target, ignored);
  if (std::filesystem::exists(existing) && !std::filesystem::is_regular_file(existing))
    fail("{}: is not a regular file and will not be replaced by a trace", target.string());
}

}  // namespace

PartFile::PartFile(std::filesystem::path target)
    : m_target(std::move(target)), m_part(withSuffix(m_target, ".part")), m_new(withSuffix(m_target, ".part.new")) {
  checkTarget(m_target);
  for (const auto& path : {m_part, m_new}) {
    if (isBeingWritten(path)) fail("{}: another process is writing this trace now", m_target.string());
  }
  unlink(m_new.c_str());
  m_sink.fd = open(m_new.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (m_sink.fd < 0) throw Error(systemMessage(m_target.string(), errno));
  lockExclusively(m_sink.fd);
}

PartFile::~PartFile() {
  if (!m_published) unlink(m_new.c_str());
  close(m_sink.fd);
}

h5::Handle PartFile::accessList() const {
  h5::Handle list(h5::check(H5Pcreate(H5P_FILE_ACCESS), m_target.string(), "", "prepare HDF5"));
  const Sink* sink = &m_sink;
  h5::check(H5Pset_driver(list.get(), partDriver(), &sink), m_target.string(), "", "prepare HDF5");
  // Superblock 3 and the 1.10 object layouts: SWMR requires them, and newer libraries then write the same bytes.
  h5::check(H5Pset_libver_bounds(list.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), m_target.string(), "", "prepare HDF5");
  return list;
}

void PartFile::publish() {
  throwIfFailed();
  if (std::rename(m_new.c_str(), m_part.c_str()) != 0) throw Error(systemMessage(m_target.string(), errno));
  m_published = true;
}

void PartFile::complete() {
  throwIfFailed();
  if (fsync(m_sink.fd) != 0) throw Error(systemMessage(m_target.string(), errno));
  if (std::rename(m_part.c_str(), m_target.c_str()) != 0) throw Error(systemMessage(m_target.string(), errno));
  syncFolder(m_target);
}

void PartFile::throwIfFailed() const {
  if (m_sink.error != 0) throw Error(systemMessage(m_target.string(), m_sink.error));
}

}  // namespace kvatlas::trace
