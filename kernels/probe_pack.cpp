#include <algorithm>

#include "kernels/probe_block.h"
#include "kernels/probe_plan.h"

namespace kvatlas::kernels {

void packKeys(const float* key, std::size_t key_begin, std::size_t key_end, std::size_t head_dim, float* packed) {
  for (std::size_t panel = key_begin; panel < key_end; panel += kPanelKeys, packed += kPanelKeys * head_dim) {
    const std::size_t count = std::min(kPanelKeys, key_end - panel);
    for (std::size_t k = 0; k < head_dim; ++k) {
      for (std::size_t i = 0; i < count; ++i) {
        packed[k * kPanelKeys + i] = key[(panel + i) * head_dim + k];
      }
      std::fill(packed + k * kPanelKeys + count, packed + (k + 1) * kPanelKeys, 0.0F);
    }
  }
}

}  // namespace kvatlas::kernels
