// The file that a trace is written to before it gets its final name, and the HDF5 file driver that writes it. After a
// failed write it discards all later ones, so that the file on disk stays as a kill at that moment would leave it and
// HDF5 can still close its handles.
#pragma once

#include <filesystem>

#include "core/base/claimed_file.h"
#include "core/trace/h5.h"

namespace kvatlas::trace {

class PartFile {
 public:
  using Existing = ClaimedFile::Existing;

  // Opens "<target>.part.new"; Error when the folder is missing or not writable, or another process writes this trace.
  // Keep: a file that has the target's name when the trace is complete stays, and complete() fails.
  explicit PartFile(std::filesystem::path target, Existing existing = Existing::Replace);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // A file access list that makes H5Fcreate write through this object.
  [[nodiscard]] h5::Handle accessList() const;

  void publish();              // rename "<target>.part.new" to "<target>.part", which readers can open
  void complete();             // sync, rename "<target>.part" to the target, sync the folder
  void throwIfFailed() const;  // Error naming the target and the system's reason for the first failed write

  [[nodiscard]] const std::filesystem::path& target() const { return m_target; }
  [[nodiscard]] const std::filesystem::path& partPath() const { return m_part; }

  // The name the file has while it is being created.
  [[nodiscard]] const std::filesystem::path& newPath() const { return m_new; }

  struct Sink {
    int fd = -1;
    int error = 0;  // errno of the first failed write
  };

 private:
  std::filesystem::path m_target, m_part, m_new;
  Existing m_existing;
  ClaimedFile m_file;
  Sink m_sink;
  bool m_published = false;
};

}  // namespace kvatlas::trace
