#include "core/trace/driver/read_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>

#include "core/trace/driver/driver_class.h"

namespace kvatlas::trace {
namespace {

struct Driver : DriverFile {
  int fd = -1;
};

H5FD_t* open(const char* name, unsigned flags, hid_t, haddr_t) {
  if ((flags & H5F_ACC_RDWR) != 0) return nullptr;
  const int fd = ::open(name, O_RDONLY | O_CLOEXEC);
  auto* const driver = fd < 0 ? nullptr : new (std::nothrow) Driver;
  if (driver == nullptr) {
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  driver->fd = fd;
  return &driver->base;
}

herr_t close(H5FD_t* file) {
  ::close(self<Driver>(file).fd);
  delete &self<Driver>(file);
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

// Now: its writer may be at work.
haddr_t endOfFile(const H5FD_t* file, H5FD_mem_t) {
  struct stat info {};
  return ::fstat(self<Driver>(file).fd, &info) == 0 ? static_cast<haddr_t>(info.st_size) : HADDR_UNDEF;
}

herr_t handle(H5FD_t* file, hid_t, void** result) {
  *result = &self<Driver>(file).fd;
  return 0;
}

// HDF5 reads ahead of what it knows the size of: only the beginning must be there.
herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
  return size > 0 && readAt(self<Driver>(file).fd, address, size, buffer) <= 0 ? -1 : 0;
}

herr_t write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) {
  return -1;
}

hid_t registerDriver() {
  static H5FD_class_t driver = driverClass("kvatlas_read", 513);
  driver.open = open;
  driver.close = close;
  driver.query = query;
  driver.get_eof = endOfFile;
  driver.get_handle = handle;
  driver.read = read;
  driver.write = write;
  return H5FDregister(&driver);
}

}  // namespace

hid_t readDriver() {
  static const hid_t id = registerDriver();
  return id;
}

}  // namespace kvatlas::trace
