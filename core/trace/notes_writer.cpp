#include "core/trace/notes_writer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "core/trace/h5_read.h"
#include "core/trace/h5_types.h"
#include "core/trace/schema.h"
#include "core/trace/stored_data.h"

namespace kvatlas::trace {
namespace {

constexpr std::uint64_t kSpareBytes = std::uint64_t{1} << 16;  // for HDF5's overhead

// Every writer of a trace holds this lock, because HDF5 releases its own once the file is open.
class WriteLock {
 public:
  explicit WriteLock(const std::filesystem::path& path)
      : m_name(path.string()), m_fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
    if (m_fd < 0) throw Error(systemMessage(m_name, errno));
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    if (fcntl(m_fd, F_OFD_SETLK, &range) == 0) return;
    close(m_fd);
    fail("{}: another program is writing to it", m_name);
  }
  ~WriteLock() { close(m_fd); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

  // Reserves space past the end of the file, so that HDF5 cannot run out midway. Skipped where the file system cannot
  // reserve space.
  void reserve(std::uint64_t bytes) const {
    struct stat info {};
    struct rlimit most {};
    if (fstat(m_fd, &info) != 0 || getrlimit(RLIMIT_FSIZE, &most) != 0) throw Error(systemMessage(m_name, errno));
    const auto end = static_cast<std::uint64_t>(info.st_size);
    if (most.rlim_cur != RLIM_INFINITY && end + bytes > most.rlim_cur) throw Error(systemMessage(m_name, EFBIG));
    if (fallocate(m_fd, FALLOC_FL_KEEP_SIZE, info.st_size, static_cast<off_t>(bytes)) != 0 && errno != EOPNOTSUPP)
      throw Error(systemMessage(m_name, errno));
  }
  void sync() const { fsync(m_fd); }

 private:
  std::string m_name;
  int m_fd;
};

// Refuses files that must not be changed, without changing them. Returns whether a killed writer left its mark.
bool requireFinished(const std::filesystem::path& path) {
  const auto source = std::make_shared<h5::SourceFile>(path);
  const h5::SourceGroup root = h5::SourceGroup::root(source);
  if (root.text(schema::attribute::kFormat) != schema::kFormat) root.fail("not a KVAtlas trace");
  if (root.text(schema::attribute::kStatus) != schema::kComplete) root.fail("the capture is not finished");
  static_cast<void>(notesOf(root));
  return source->live();
}

h5::Handle openForWriting(const std::filesystem::path& path, bool repair) {
  const h5::Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_file_locking(access.get(), false, true);  // we hold our own lock, and readers take none
  const hbool_t clear = repair;
  if (repair) H5Pset(access.get(), "clear_status_flags", &clear);
  return h5::Handle(h5::check(H5Fopen(path.c_str(), H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access.get()), path.string(), "",
                              "open the file for writing"));
}

void replace(hid_t file, const std::string& name, std::string_view json) {
  const std::string member = std::string("/") + schema::member::kNotes;
  const auto checked = [&](auto result, std::string_view verb) { return h5::check(result, name, member, verb); };
  const h5::Handle notes(checked(H5Dopen2(file, schema::member::kNotes, H5P_DEFAULT), "open"));
  const h5::Handle space(checked(H5Dget_space(notes.get()), "read the shape of"));
  hsize_t stored = 0, most = 0;
  checked(H5Sget_simple_extent_dims(space.get(), &stored, &most), "read the shape of");
  if (most != H5S_UNLIMITED) h5::failAt(name, member, "has a fixed size");
  // Concurrent readers never see it shrink.
  std::string text(json);
  text.resize(std::max<std::size_t>(text.size(), stored), '\n');
  const hsize_t size = text.size();
  if (size == 0) return;
  checked(H5Dset_extent(notes.get(), &size), "extend");
  checked(H5Dwrite(notes.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), "write");
  checked(H5Fflush(file, H5F_SCOPE_GLOBAL), "flush");
}

}  // namespace

void writeNotes(const std::filesystem::path& path, std::string_view json) {
  h5::quiet();
  if (json.size() > schema::kMaxNotes)
    fail("{}: notes have at most {} bytes, these {}", path.string(), schema::kMaxNotes, json.size());
  const WriteLock lock(path);
  const bool repair = requireFinished(path);
  lock.reserve(json.size() + kSpareBytes);
  h5::Handle file = openForWriting(path, repair);
  replace(file.get(), path.string(), json);
  h5::check(H5Fclose(file.release()), path.string(), "", "close the file");
  lock.sync();
}

}  // namespace kvatlas::trace
