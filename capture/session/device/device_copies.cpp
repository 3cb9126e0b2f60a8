#include "capture/session/device/device_copies.h"

#include <ATen/ops/empty.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <map>

#include "capture/session/device/host_waits.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

c10::Stream currentStream(const c10::Device& device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

// One per device and thread, so that copies of successive layers stay in order.
c10::Stream copyStream(const c10::Device& device) {
  thread_local std::map<c10::DeviceIndex, c10::Stream> streams;
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  return streams.emplace(device.index(), c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device))
      .first->second;
}

}  // namespace

void* streamOf(const at::Tensor& tensor) {
  return tensor.is_cpu() ? nullptr : currentStream(tensor.device()).native_handle();
}

void DeviceCopies::start() {
  if (m_copies.empty()) return;
  const c10::Device device = m_copies.front().values.device();
  if (device.is_cpu()) {
    for (Copy& copy : m_copies) copy.staged = copy.values.contiguous();
    return;
  }
  c10::Event computed(device.type());
  computed.record(currentStream(device));
  const c10::StreamGuard guard(copyStream(device));
  computed.block(copyStream(device));
  for (Copy& copy : m_copies) {
    copy.staged = at::empty(copy.values.sizes(), at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
    copy.staged.copy_(copy.values, /*non_blocking=*/true);
  }
  m_done.emplace(device.type());
  m_done->record(copyStream(device));
}

void DeviceCopies::finish() {
  if (!m_copies.empty()) ++host_waits;
  if (m_done) m_done->synchronize();
  const auto bring = [](const Copy& copy) {
    const float* const values = copy.staged.const_data_ptr<float>();
    if (copy.array != nullptr)
      copy.array->assign(values, values + copy.staged.numel());
    else
      std::copy_n(values, copy.staged.numel(), copy.target);
  };
  kernels::parallelFor(m_copies.size(), 0, [&](std::size_t i, unsigned) { bring(m_copies[i]); });
  m_copies.clear();  // the device memory may be reused only now
  m_done.reset();
}

}  // namespace kvatlas::capture
