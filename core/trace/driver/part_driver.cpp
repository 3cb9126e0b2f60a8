#include "core/trace/driver/part_driver.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "core/trace/driver/driver_class.h"

namespace kvatlas::trace {
namespace {

struct Driver : DriverFile {
  PartFile::Sink* sink = nullptr;
  haddr_t end_of_file = 0;
};

H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
  const auto* sink = static_cast<PartFile::Sink* const*>(H5Pget_driver_info(access));
  if (sink == nullptr) return nullptr;
  auto* driver = new (std::nothrow) Driver;
  if (driver == nullptr) return nullptr;
  driver->sink = *sink;
  return &driver->base;
}

herr_t close(H5FD_t* file) {
  delete &self<Driver>(file);
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_SUPPORTS_SWMR_IO |
           H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t endOfFile(const H5FD_t* file, H5FD_mem_t) {
  return self<Driver>(file).end_of_file;
}

// PartFile locks the file itself, but HDF5 marks a file as open for writing only if its driver can lock.
herr_t lock(H5FD_t*, hbool_t) {
  return 0;
}
herr_t unlock(H5FD_t*) {
  return 0;
}

herr_t handle(H5FD_t* file, hid_t, void** result) {
  *result = &self<Driver>(file).sink->fd;
  return 0;
}

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
  return readAt(self<Driver>(file).sink->fd, address, size, buffer) < 0 ? -1 : 0;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, const void* buffer) {
  Driver& driver = self<Driver>(file);
  const auto* bytes = static_cast<const char*>(buffer);
  driver.end_of_file = std::max(driver.end_of_file, address + size);
  while (size > 0 && driver.sink->error == 0) {
    const ssize_t put = pwrite(driver.sink->fd, bytes, size, static_cast<off_t>(address));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      driver.sink->error = put < 0 ? errno : EIO;
      break;
    }
    bytes += put;
    address += static_cast<haddr_t>(put);
    size -= static_cast<size_t>(put);
  }
  return 0;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  Driver& driver = self<Driver>(file);
  if (driver.end_of_file == driver.end_of_allocation) return 0;
  driver.end_of_file = driver.end_of_allocation;
  if (driver.sink->error == 0 && ftruncate(driver.sink->fd, static_cast<off_t>(driver.end_of_allocation)) != 0) {
    driver.sink->error = errno;
  }
  return 0;
}

hid_t registerDriver() {
  static H5FD_class_t driver = driverClass("kvatlas_part", 512);
  driver.fapl_size = sizeof(PartFile::Sink*);
  driver.open = open;
  driver.close = close;
  driver.query = query;
  driver.get_eof = endOfFile;
  driver.get_handle = handle;
  driver.lock = lock;
  driver.unlock = unlock;
  driver.read = read;
  driver.write = write;
  driver.truncate = truncate;
  return H5FDregister(&driver);
}

}  // namespace

hid_t partDriver() {
  static const hid_t id = registerDriver();
  return id;
}

}  // namespace kvatlas::trace
