#include "core/trace/driver/driver_class.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace kvatlas::trace {
namespace {

haddr_t endOfAllocation(const H5FD_t* file, H5FD_mem_t) {
  return self<DriverFile>(file).end_of_allocation;
}

herr_t setEndOfAllocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  self<DriverFile>(file).end_of_allocation = address;
  return 0;
}

}  // namespace

H5FD_class_t driverClass(const char* name, [[maybe_unused]] int value) {
  H5FD_class_t driver{};  // filled member by member: newer HDF5 versions have more members
#if H5_VERSION_GE(1, 13, 0)
  driver.version = H5FD_CLASS_VERSION;
  driver.value = static_cast<H5FD_class_value_t>(value);
#endif
  driver.name = name;
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.get_eoa = endOfAllocation;
  driver.set_eoa = setEndOfAllocation;
  constexpr H5FD_mem_t kMap[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(kMap), std::end(kMap), driver.fl_map);
  return driver;
}

ssize_t readAt(int fd, haddr_t address, std::size_t size, void* buffer) {
  auto* const bytes = static_cast<char*>(buffer);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, bytes + done, size - done, static_cast<off_t>(address + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  std::memset(bytes + done, 0, size - done);
  return static_cast<ssize_t>(done);
}

}  // namespace kvatlas::trace
