// The element types and head sizes that the tensor-core kernels are compiled for.
#pragma once

#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/probe_kernels.cuh"

namespace kvatlas::kernels {

template <typename T, int d>
struct KernelShape {
  using Element = T;
  static constexpr int kHeadDim = d;
};

template <typename T, typename Run>
const char* withHeadDim(size_t head_dim, Run run) {
  switch (head_dim) {
    case 64:
      return run(KernelShape<T, 64>{});
    case 80:
      return run(KernelShape<T, 80>{});
    case 96:
      return run(KernelShape<T, 96>{});
    case 128:
      return run(KernelShape<T, 128>{});
    case 256:
      return run(KernelShape<T, 256>{});
    default:
      return errorText("CUDA attention probe: no tensor-core kernel for this head size");
  }
}

// Calls run(KernelShape<…>{}) for the probe's element type and head size. Error text or null.
template <typename Run>
const char* withKernelShape(const KvatlasCudaProbe& probe, Run run) {
  return probe.element == kKvatlasBf16 ? withHeadDim<__nv_bfloat16>(probe.head_dim, run)
                                       : withHeadDim<__half>(probe.head_dim, run);
}

}  // namespace kvatlas::kernels
