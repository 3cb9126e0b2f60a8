// What the virtual file drivers for HDF5 share; knows nothing of traces.
#pragma once

#include <hdf5.h>
#include <sys/types.h>

#include <cstddef>

namespace kvatlas::trace {

// What HDF5 has of an open file: `base`, whose address open() returns. A driver's own file derives from it.
struct DriverFile {
  H5FD_t base{};
  haddr_t end_of_allocation = 0;
};

template <class File>
[[nodiscard]] File& self(H5FD_t* file) {
  return static_cast<File&>(*reinterpret_cast<DriverFile*>(file));
}
template <class File>
[[nodiscard]] const File& self(const H5FD_t* file) {
  return static_cast<const File&>(*reinterpret_cast<const DriverFile*>(file));
}

// A class with the functions for the end of allocation only. `value`: a number of the range for applications, from 512,
// that newer HDF5 versions want.
[[nodiscard]] H5FD_class_t driverClass(const char* name, int value);

// Bytes read, fewer at the end of the file, where the rest of `buffer` becomes zero; -1: errno says why.
[[nodiscard]] ssize_t readAt(int fd, haddr_t address, std::size_t size, void* buffer);

}  // namespace kvatlas::trace
