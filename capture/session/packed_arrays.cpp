#include "capture/session/packed_arrays.h"

#include <ATen/ops/empty.h>

namespace kvatlas::capture {

at::Tensor PackedArrays::upload(const at::Device& device) const {
  // Page-locked: only such a copy is queued. libtorch keeps the memory until the copy is done.
  const at::Tensor host = at::empty({static_cast<std::int64_t>(m_bytes.size())},
                                    at::TensorOptions().dtype(at::kByte).pinned_memory(device.is_cuda()));
  if (!m_bytes.empty()) std::memcpy(host.mutable_data_ptr(), m_bytes.data(), m_bytes.size());
  return host.to(device, /*non_blocking=*/true);
}

}  // namespace kvatlas::capture
