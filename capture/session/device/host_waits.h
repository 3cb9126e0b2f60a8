// How often the host has waited for a device's results, to see that a path does not.
#pragma once

#include <atomic>
#include <cstddef>

namespace kvatlas::capture {

// Counts on a CPU too, where the results are there at once.
inline std::atomic<std::size_t> host_waits{0};

}  // namespace kvatlas::capture
