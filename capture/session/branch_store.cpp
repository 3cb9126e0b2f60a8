#include "capture/session/branch_store.h"

#include "capture/session/device/cuda_probe.h"
#include "capture/session/device/device_store.h"
#include "capture/session/host_store.h"

namespace kvatlas::capture {

std::unique_ptr<BranchStore> makeBranchStore(const StoreRequest& request, bool on_device) {
  if (on_device && request.reading.empty()) return std::make_unique<DeviceStore>(cudaKernels(), request);
  return std::make_unique<HostStore>(request);
}

}  // namespace kvatlas::capture
