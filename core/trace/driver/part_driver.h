// The HDF5 virtual file driver of PartFile: plain positional reads and writes, with a sticky error.
#pragma once

#include "core/trace/part_file.h"

namespace kvatlas::trace {

// The driver's HDF5 id, registered on first use and kept for the life of the process.
[[nodiscard]] hid_t partDriver();

}  // namespace kvatlas::trace
