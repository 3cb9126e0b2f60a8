#include "views/models/map/code_table.h"

#include <cstdint>

#include "kernels/log2_codec.h"

namespace kvatlas::views {

const std::vector<float>& probabilityOfCode() {
  static const std::vector<float> table = [] {
    std::vector<std::uint16_t> codes(65536);
    for (std::size_t code = 0; code < codes.size(); ++code) codes[code] = static_cast<std::uint16_t>(code);
    std::vector<float> values(codes.size());
    kernels::decodeLog2(codes.data(), values.data(), codes.size());
    return values;
  }();
  return table;
}

}  // namespace kvatlas::views
