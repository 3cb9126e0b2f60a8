#include "core/trace/part_file.h"

#include <unistd.h>

#include <cerrno>

#include "core/base/output_file.h"
#include "core/trace/driver/part_driver.h"

namespace kvatlas::trace {
namespace {

std::filesystem::path withSuffix(const std::filesystem::path& path, const char* suffix) {
  std::filesystem::path result = path;
  result += suffix;
  return result;
}

const std::filesystem::path& checkedTarget(const std::filesystem::path& target) {
  std::error_code ignored;
  if (target.empty() || !target.has_filename()) fail("'{}': not a file name for a trace", target.string());
  if (std::filesystem::is_directory(target, ignored)) throw Error(systemMessage(target.string(), EISDIR));
  requireReplaceable(target);
  return target;
}

}  // namespace

PartFile::PartFile(std::filesystem::path target, Existing existing)
    : m_target(std::move(target)),
      m_part(withSuffix(m_target, ".part")),
      m_new(withSuffix(m_target, ".part.new")),
      m_existing(existing),
      m_file(m_new, checkedTarget(m_target)) {
  m_sink.fd = m_file.descriptor();
  if (!isClaimed(m_part)) return;
  m_file.remove();
  fail("{}: another process is writing this file now", m_target.string());
}

PartFile::~PartFile() {
  if (!m_published) m_file.remove();
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
  if (const int error = m_file.renameTo(m_part); error != 0) throw Error(systemMessage(m_target.string(), error));
  m_published = true;
}

void PartFile::complete() {
  throwIfFailed();
  if (fsync(m_sink.fd) != 0) throw Error(systemMessage(m_target.string(), errno));
  const int error = m_file.renameTo(m_target, m_existing);
  if (error == EEXIST)
    fail("{}: another file has got this name meanwhile; the finished trace is {}", m_target.string(), m_part.string());
  if (error != 0) throw Error(systemMessage(m_target.string(), error));
  syncFolderOf(m_target);
}

void PartFile::throwIfFailed() const {
  if (m_sink.error != 0) throw Error(systemMessage(m_target.string(), m_sink.error));
}

}  // namespace kvatlas::trace
