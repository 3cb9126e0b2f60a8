// What the virtual file drivers for HDF5 share; knows nothing of traces.
#pragma once

#include <hdf5.h>
#include <sys/types.h>

#include <cstddef>

namespace kvatlas::trace {

// A class without functions. `value`: a number of the range for applications, from 512, that newer HDF5 versions want.
[[nodiscard]] H5FD_class_t driverClass(const char* name, int value);

// Bytes read, fewer at the end of the file, where the rest of `buffer` becomes zero; -1: errno says why.
[[nodiscard]] ssize_t readAt(int fd, haddr_t address, std::size_t size, void* buffer);

}  // namespace kvatlas::trace
