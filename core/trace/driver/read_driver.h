// The HDF5 virtual file driver for untrusted files: reads only, and nothing that begins beyond the end of the file.
#pragma once

#include <hdf5.h>

namespace kvatlas::trace {

// The driver's HDF5 id, registered on first use and kept for the life of the process. It does not offer to collect
// metadata (H5FD_FEAT_ACCUMULATE_METADATA): HDF5 1.10 loses its buffer for an address near the end of the range, and
// reads through the null pointer later.
[[nodiscard]] hid_t readDriver();

}  // namespace kvatlas::trace
