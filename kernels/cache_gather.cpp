#include "kernels/cache_gather.h"

#include <cstring>

namespace kvatlas::kernels {

void gatherRows(const void* source, std::span<const std::uint32_t> rows, std::size_t row_bytes, void* target) {
  const auto* from = static_cast<const unsigned char*>(source);
  auto* to = static_cast<unsigned char*>(target);
  // Kept positions form long runs (windows, spans): copies each run at once.
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() && rows[end] == rows[end - 1] + 1) {
      ++end;
    }
    std::memcpy(to + begin * row_bytes, from + rows[begin] * row_bytes, (end - begin) * row_bytes);
    begin = end;
  }
}

}  // namespace kvatlas::kernels
